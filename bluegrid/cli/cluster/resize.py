"""`bluegrid cluster resize`: changes the limits of a cluster's pods."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from bluegrid.cli import options
from bluegrid.cli.edits import apply, changed_cluster
from bluegrid.cli.tree import command
from bluegrid.project import WholeServices, resolve_place


@command(epilog="Example: `bluegrid cluster resize line-loading d1 --memory 4Gi`")
def resize(
    service: options.Service,
    cluster: options.Cluster,
    cpu: Annotated[str | None, typer.Option(help="CPU limit of a pod, a Kubernetes quantity.")] = None,
    memory: Annotated[str | None, typer.Option(help="Memory limit of a pod, a Kubernetes quantity.")] = None,
    gpu: Annotated[int | None, typer.Option(min=0, help="GPUs of a pod.")] = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    up: options.Up = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    stack: options.Stack = None,
    config_file: options.ConfigFile = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Change the limits of CLUSTER's pods, which are replaced one by one."""
    limits: dict[str, int | str | None] = {"cpu": cpu, "memory": memory, "gpu": gpu}
    changed = {key: value for key, value in limits.items() if value is not None}
    if not changed:
        raise typer.BadParameter("name at least one", param_hint="--cpu, --memory or --gpu")
    edit = partial(changed_cluster, service, cluster, changed)
    place = resolve_place(stacks, stack, config_file=config_file)
    of_service = WholeServices((service,))
    apply(edit, registry, place, changed=of_service, up=up, dry_run=dry_run, yes=yes, as_json=as_json)
