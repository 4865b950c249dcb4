"""`bluegrid store probe`: tries what the server of a store supports."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from bluegrid.cli import options, output
from bluegrid.cli.tree import command
from bluegrid_registry import open_store
from bluegrid_registry.stores.s3_memory import remember


@command(epilog="Example: `bluegrid store probe s3://models/grid?endpoint=http://127.0.0.1:7070`")
def probe(
    url: Annotated[
        str, typer.Argument(envvar="BLUEGRID_STORE", help="s3://bucket/prefix?endpoint=... or file:///path")
    ],
    as_json: options.Json = False,
) -> None:
    """Try what the server of a store, or the folder, supports.

    What follows from what it does not support is printed.

    Writes small objects; one, `probe`, stays. Exit code 1 if pushes would be refused.
    """
    store = open_store(url)
    # Probe now, instead of returning a remembered result.
    remember(store.url, None)
    capabilities = store.probe()
    data = {name: value for name, value in asdict(capabilities).items() if value is not None}
    output.emit(as_json=as_json, data=data, text="\n".join(capabilities.in_words()))
    if not capabilities.conditional_writes:
        raise typer.Exit(1)
