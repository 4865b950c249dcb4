"""`bluegrid cluster scale`: sets the number of pods of a cluster."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from bluegrid.cli import options
from bluegrid.cli.edits import apply, changed_cluster
from bluegrid.cli.tree import command
from bluegrid.project import WholeServices, resolve_place


@command(epilog="Example: `bluegrid cluster scale line-loading d1 4 --up --stack north`")
def scale(
    service: options.Service,
    cluster: options.Cluster,
    replicas: Annotated[int, typer.Argument(min=0, help="The number of pods.")],
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    up: options.Up = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    stack: options.Stack = None,
    config_file: options.ConfigFile = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Set the number of pods of CLUSTER."""
    edit = partial(changed_cluster, service, cluster, {"replicas": replicas})
    place = resolve_place(stacks, stack, config_file=config_file)
    changed = WholeServices((service,))
    apply(edit, registry, place, changed=changed, up=up, dry_run=dry_run, yes=yes, as_json=as_json)
