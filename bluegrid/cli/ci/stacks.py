"""`bluegrid ci stacks`: the stacks of a project, for a workflow's matrix or loop."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from bluegrid.cli import options
from bluegrid.cli.tree import command
from bluegrid.project import resolve_place, stack_names
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@command(epilog="Example: `bluegrid ci stacks --json`")
def stacks(stacks: options.Stacks = options.DEFAULT_STACKS, as_json: options.Json = False) -> None:
    """Print the stacks that have a file, in the order of their updates.

    A stack comes before those that use its platform.

    With --json they are on one line, as a workflow's matrix reads them.
    """
    names = sorted(declared_stacks(stacks), key=lambda name: (_uses_platform(stacks, name), name))
    typer.echo(json.dumps(names) if as_json else "\n".join(names))


def declared_stacks(folder: Path) -> list[str]:
    """Return the names of the stacks that have a file; ConfigError if there are none."""
    names = stack_names(folder)
    if not names:
        raise ConfigError(f"{folder}: has no stack's file; `bluegrid stack add REGION` writes one")
    return names


def _uses_platform(folder: Path, name: str) -> bool:
    with suppress(ConfigError):
        return resolve_place(folder, name).platform is not None
    return False
