"""`bluegrid service show`: what the registry says of a service."""

from __future__ import annotations

from bluegrid.cli import options, output, service_rows
from bluegrid.cli.tree import command
from bluegrid.project import resolve_place
from bluegrid_registry import load_service


@command(epilog="Example: `bluegrid service show line-loading --stack north`")
def show(
    service: options.Service,
    stack: options.Stack = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Show what the registry says of SERVICE.

    That is what is live where, its clusters and its URL. `bluegrid status` shows what runs.
    """
    place = resolve_place(stacks, stack, only_reads=True)
    file, declared = load_service(registry, service)
    row = service_rows.row_of(file, place.region if stack is not None else None, place)
    more = declared.model_dump(mode="json", exclude={"name", "live", "clusters", "regions"})
    lines = [f"{key}: {output.cell(value)}" for key, value in {**row, **service_rows.facts(more)}.items()]
    lines += map(service_rows.cluster_line, declared.clusters)
    data = {**row, **more, "clusters": [each.model_dump(mode="json") for each in declared.clusters]}
    output.emit(as_json=as_json, data=data, text="\n".join(lines))
