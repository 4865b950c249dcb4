"""`bluegrid ci stacks`: the stacks of a project, for a workflow's matrix or loop."""

from __future__ import annotations

import json

import typer

from bluegrid.cli import options
from bluegrid.cli.tree import command
from bluegrid.project import stack_names
from bluegrid_registry import ConfigError


@command(epilog="Example: `bluegrid ci stacks --json`")
def stacks(stacks: options.Stacks = options.DEFAULT_STACKS, as_json: options.Json = False) -> None:
    """Print the stacks that have a file, a line each.

    With --json they are on one line, as a workflow's matrix reads them.
    """
    names = stack_names(stacks)
    if not names:
        raise ConfigError(f"{stacks}: has no stack's file; `bluegrid stack add REGION` writes one")
    typer.echo(json.dumps(names) if as_json else "\n".join(names))
