"""`bluegrid stack list`: lists the stacks of a project."""

from __future__ import annotations

from bluegrid.cli import options, output
from bluegrid.cli.tree import command
from bluegrid.project import Place, resolve_place, stack_names


@command(epilog="Example: `bluegrid stack list`")
def list_stacks(stacks: options.Stacks = options.DEFAULT_STACKS, as_json: options.Json = False) -> None:
    """List the stacks, and where each of them runs."""
    columns = ("stack", "region", "context", "namespace", "platform", "store", "url")
    rows = [_row(resolve_place(stacks, name)) for name in stack_names(stacks)]
    output.emit_table(as_json=as_json, columns=columns, rows=rows)


def _row(place: Place) -> dict[str, str | None]:
    return {
        "stack": place.stack,
        "region": place.region,
        "context": place.context,
        "namespace": place.namespace,
        "platform": place.platform,
        "store": place.store,
        "url": place.origin,
    }
