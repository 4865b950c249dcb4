"""`bluegrid service list`: the services of a registry."""

from __future__ import annotations

from bluegrid.cli import options, output, service_rows
from bluegrid.cli.tree import command
from bluegrid.project import resolve_place
from bluegrid_registry import Registry


@command(epilog="Examples: `bluegrid service list`, `bluegrid service list --stack north --json`")
def list_services(
    stack: options.Stack = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """List the services that the registry declares, with their URLs.

    With --stack, those of its region. A URL has the host or the route address of the stack's file.
    """
    place = resolve_place(stacks, stack, only_reads=True)
    region = place.region if stack is not None else None
    rows = [
        service_rows.row_of(file, region, place)
        for file in Registry.load(registry).files
        if file.service and (region is None or place.has(file.service))
    ]
    output.emit_table(as_json=as_json, columns=service_rows.COLUMNS, rows=rows)
