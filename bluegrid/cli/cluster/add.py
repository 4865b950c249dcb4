"""`bluegrid cluster add`: declares a cluster of a service."""

from __future__ import annotations

from typing import Annotated

import typer

from bluegrid.cli import completion, options, output
from bluegrid.cli.tree import command
from bluegrid_registry import Cluster, add_cluster


@command(epilog="Example: `bluegrid cluster add line-loading d2 --version v2 --cpu 2 --memory 2Gi`")
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
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    as_json: options.Json = False,
) -> None:
    """Declare CLUSTER beside the live one; `pulumi up` starts it as a standby."""
    with output.checked_values():
        row = Cluster(id=cluster, version=version, replicas=replicas, cpu=cpu, gpu=gpu, memory=memory)
    add_cluster(registry, service, row)
    text = f"{service}: cluster {cluster} serves {version}, standby; start it with `pulumi up`"
    output.emit(as_json=as_json, data={"service": service, **row.model_dump(mode="json")}, text=text)
