"""`bluegrid service remove`: takes a service offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid.cli import options
from bluegrid.cli.edits import apply
from bluegrid.cli.tree import command
from bluegrid.project import WholeServices, resolve_place
from bluegrid_registry import contract, load_service, remove_service

if TYPE_CHECKING:
    from pathlib import Path


@command(epilog="Example: `bluegrid service remove line-loading --dry-run --stack north`")
def remove(
    service: options.Service,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    up: options.Up = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    stack: options.Stack = None,
    config_file: options.ConfigFile = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Take SERVICE offline, with all its clusters.

    The versions of its set stay.
    """
    _, declared = load_service(registry, service)
    clusters = ", ".join(cluster.id for cluster in declared.clusters)

    def edit(folder: Path) -> str:
        remove_service(folder, service)
        return f"{service}: is out, with its clusters {clusters}"

    apply(
        edit,
        registry,
        resolve_place(stacks, stack, config_file=config_file),
        changed=WholeServices((service,)),
        up=up,
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
        question=f"Take {service} offline, and stop its clusters {clusters}?",
        # This command is the permission; a bare `pulumi up` needs the same variable.
        variables={contract.ALLOW_DELETE: service},
    )
