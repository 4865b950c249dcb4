"""`bluegrid ci check`: refuses a request whose registry or previews have mistakes."""

from __future__ import annotations

from typing import Annotated

import typer

from bluegrid.cli import options
from bluegrid.cli.check import check as check_registry
from bluegrid.cli.ci.forges import allowed_by, change_request
from bluegrid.cli.ci.preview import PREVIEWS, Previews
from bluegrid.cli.tree import command
from bluegrid.previews import PolicyError, planned_changes, read_plan


@command(epilog="Example: `bluegrid ci check --label allow-delete:line-loading`")
def check(
    label: Annotated[
        list[str] | None,
        typer.Option(
            help="A label of the request; allow-delete:SERVICE allows the deletion of a live service. "
            "Default: the labels of the request that this workflow runs for."
        ),
    ] = None,
    expect_no_changes: Annotated[
        bool,
        typer.Option("--expect-no-changes", help="Refuse previews that would change anything, too."),
    ] = False,
    previews: Previews = PREVIEWS,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
) -> None:
    """Refuse mistakes of the registry, failed previews and broken rules."""
    request = change_request()
    labels = label or (request.labels if request else ())
    files = sorted(previews.glob("*.json"))
    check_registry(registry, files, allowed_by(labels), stacks)
    changes = [f"{file}: {each}" for file in files for each in planned_changes(read_plan(file))]
    if expect_no_changes and changes:
        raise PolicyError("\n".join(changes))
