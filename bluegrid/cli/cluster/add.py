"""`bluegrid cluster add`: declares a cluster of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli import completion, options, output
from bluegrid.cli.edits import Edited, apply
from bluegrid.cli.tree import command
from bluegrid.project import WholeServices, resolve_place
from bluegrid_registry import Cluster, add_cluster

if TYPE_CHECKING:
    from pathlib import Path


@command(
    epilog="Examples: `bluegrid cluster add line-loading d2 --version v2 --cpu 2 --memory 2Gi`, "
    "`bluegrid cluster add line-loading d2 --version v2 --up --stack north`"
)
def add(
    service: options.Service,
    cluster: options.Cluster,
    version: Annotated[
        str, typer.Option(help="The version that its pods serve.", autocompletion=completion.versions)
    ],
    cpu: Annotated[str, typer.Option(help="CPU limit of a pod, a Kubernetes quantity.")] = "2",
    memory: Annotated[str, typer.Option(help="Memory limit of a pod, a Kubernetes quantity.")] = "2Gi",
    gpu: Annotated[int, typer.Option(help="GPUs of a pod.")] = 0,
    replicas: Annotated[int, typer.Option(help="The number of pods.")] = 1,
    shards: Annotated[
        int, typer.Option(help="Parts of a version that is larger than a pod; each has so many pods.")
    ] = 1,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    up: options.Up = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    stack: options.Stack = None,
    config_file: options.ConfigFile = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Declare CLUSTER beside the live one; `pulumi up` starts it as a standby."""
    with output.checked_values():
        row = Cluster(id=cluster, version=version, replicas=replicas, cpu=cpu, gpu=gpu, memory=memory)
        if shards != 1:
            # Without shards, the row does not have the key.
            row = Cluster.model_validate({**row.model_dump(exclude_unset=True), "shards": shards})

    def edit(folder: Path) -> Edited:
        add_cluster(folder, service, row)
        how = "" if up else "; start it with `pulumi up`"
        text = f"{service}: cluster {cluster} serves {version}, standby{how}"
        return Edited(text, {"service": service, **row.model_dump(mode="json")})

    apply(
        edit,
        registry,
        resolve_place(stacks, stack, config_file=config_file),
        changed=WholeServices((service,)),
        up=up,
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
        has_advice=True,
    )
