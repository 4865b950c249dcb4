"""`bluegrid store probe`: tries what the server of a store supports."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from bluegrid.cli import options, output, project_folders
from bluegrid.cli.tree import command
from bluegrid.project import resolve_place
from bluegrid_registry import open_store
from bluegrid_registry.stores.s3_memory import remember


@command(epilog="Example: `bluegrid store probe s3://models/grid?endpoint=http://127.0.0.1:7070`")
def probe(
    url: Annotated[
        str | None,
        typer.Argument(
            envvar="BLUEGRID_STORE",
            callback=project_folders.unless_typed,
            help="s3://bucket/prefix?endpoint=... or file:///path. Default: the stack's.",
        ),
    ] = None,
    stack: options.Stack = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Try what the server of a store, or the folder, supports.

    What follows from what it does not support is printed.

    Writes small objects; one, `probe`, stays. Exit code 1 if pushes would be refused.
    """
    store = open_store(resolve_place(stacks, stack, store=url).required_store)
    # Probe now, instead of returning a remembered result.
    remember(store.url, None)
    capabilities = store.probe()
    data = {name: value for name, value in asdict(capabilities).items() if value is not None}
    output.emit(as_json=as_json, data=data, text="\n".join(capabilities.in_words()))
    if not capabilities.conditional_writes:
        raise typer.Exit(1)
