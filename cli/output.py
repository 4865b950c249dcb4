"""What the commands share: their common options, and how they print."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

RegistryFolder = Annotated[
    Path,
    typer.Option(
        "--registry", envvar="BLUEGRID_REGISTRY", help="Folder of registry files.", show_default=True
    ),
]
DEFAULT_REGISTRY = Path("registry")

SetId = Annotated[str, typer.Argument(metavar="SET", help="The model set, e.g. g1.")]
VersionId = Annotated[str, typer.Argument(metavar="VERSION", help="The version, e.g. v2.")]
StoreUrl = Annotated[
    str,
    typer.Option("--store", envvar="BLUEGRID_STORE", help="s3://bucket/prefix?endpoint=... or file:///path"),
]

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of text.")]


def emit(*, as_json: bool, data: Any, text: str) -> None:
    """Print `data` as JSON or `text`, as the user asked."""
    typer.echo(json.dumps(data, indent=2) if as_json else text)


def refuse(message: str) -> None:
    """Print an error the way kubectl does: `error: ...` on standard error, one line for each fault."""
    for line in message.splitlines():
        sys.stderr.write(f"error: {line}\n")
