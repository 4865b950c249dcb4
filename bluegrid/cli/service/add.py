"""`bluegrid service add`: puts a set online."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli import completion, options, output, regions
from bluegrid.cli.edits import apply
from bluegrid.cli.tree import command
from bluegrid.project import WholeServices, resolve_place
from bluegrid_registry import Service, add_service
from bluegrid_registry.registry_files.edits.values import SERVICE, edited, parse_edits

if TYPE_CHECKING:
    from pathlib import Path


@command(
    epilog="Examples: `bluegrid service add line-loading --set g1 --cluster d1 --version v1 --replicas 2`, "
    "`bluegrid service add line-loading --set g1 --version v1 regions=north,east`"
)
def add(
    service: Annotated[
        str, typer.Argument(metavar="SERVICE", help="The new service's name, which is in its URL.")
    ],
    set_id: Annotated[
        str,
        typer.Option("--set", metavar="SET", help="The model set, e.g. g1.", autocompletion=completion.sets),
    ],
    version: Annotated[
        str, typer.Option(help="The version that its pods serve.", autocompletion=completion.versions)
    ],
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...",
            help="More keys of the service, e.g. standbyReplicas=0.",
            autocompletion=completion.service_keys,
        ),
    ] = None,
    cluster: Annotated[str, typer.Option(help="ID of the cluster that serves the version.")] = "d1",
    cpu: Annotated[str, typer.Option(help="CPU limit of a pod, a Kubernetes quantity.")] = "2",
    memory: Annotated[str, typer.Option(help="Memory limit of a pod, a Kubernetes quantity.")] = "2Gi",
    gpu: Annotated[int, typer.Option(min=0, help="GPUs of a pod.")] = 0,
    replicas: Annotated[int, typer.Option(min=0, help="The number of pods.")] = 1,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    up: options.Up = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    stack: options.Stack = None,
    config_file: options.ConfigFile = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Put a set online: SERVICE with one cluster, which is live.

    It is in every region unless `regions` names some. `bluegrid cluster set` changes what has no option here.
    """
    limits = {"replicas": replicas, "cpu": cpu, "gpu": gpu, "memory": memory}
    row = {"name": service, "live": cluster, "clusters": [{"id": cluster, "version": version, **limits}]}
    edits = parse_edits(SERVICE, values or ())
    regions.require_named(edits, stacks, config_file)
    with output.checked_values():
        declared = Service.model_validate(edited(row, edits))

    def edit(folder: Path) -> str:
        is_new = add_service(folder, set_id, declared)
        state = (
            f"is online in YAML, {cluster} serves {version} of set {set_id}" if is_new else "is there already"
        )
        return f"{service}: {state}"

    place = resolve_place(stacks, stack, config_file=config_file)
    changed = WholeServices((service,))
    apply(edit, registry, place, changed=changed, up=up, dry_run=dry_run, yes=yes, as_json=as_json)
