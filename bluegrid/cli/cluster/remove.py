"""`bluegrid cluster remove`: removes a standby that is no longer needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid.cli import options
from bluegrid.cli.edits import apply
from bluegrid.cli.tree import command
from bluegrid.project import WholeServices, resolve_place
from bluegrid_registry import remove_cluster

if TYPE_CHECKING:
    from pathlib import Path


@command(epilog="Example: `bluegrid cluster remove line-loading d1 --up --stack north`")
def remove(
    service: options.Service,
    cluster: options.Cluster,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    up: options.Up = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    stack: options.Stack = None,
    config_file: options.ConfigFile = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Remove CLUSTER and its pods; the live cluster is refused.

    Its version stays in the store.
    """

    def edit(folder: Path) -> str:
        remove_cluster(folder, service, cluster)
        return f"{service}: cluster {cluster} is out"

    # Without --up only YAML changes, which git takes back.
    question = f"Stop cluster {cluster} of {service}?" if up else None
    place = resolve_place(stacks, stack, config_file=config_file)
    apply(
        edit,
        registry,
        place,
        changed=WholeServices((service,)),
        up=up,
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
        question=question,
    )
