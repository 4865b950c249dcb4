"""`bluegrid history`: lists the commits that changed a service."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from typing import Annotated

import typer

from bluegrid.cli import options, output
from bluegrid.cli.tree import command
from bluegrid.operations import changes_of
from bluegrid.project import resolve_place
from bluegrid_registry import load_service


@command(epilog="Example: `bluegrid history line-loading --last 5`")
def history(
    service: options.Service,
    stack: options.Stack = None,
    last: Annotated[int, typer.Option(min=1, help="How many changes, newest first.")] = 20,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """List the commits that changed SERVICE.

    A change is one of what is live, of its clusters, of their versions or of their size. With --stack, only
    what is live in that region counts.
    """
    region = resolve_place(stacks, stack).region
    file, _ = load_service(registry, service)
    rows = [*islice(changes_of(service, registry / f"{file.set.id}.yaml", region), last)]
    lines = [line for each in rows for line in (str(each.commit), *(f"  {text}" for text in each.changes))]
    output.emit(as_json=as_json, data=[asdict(each) for each in rows], text="\n".join(lines))
