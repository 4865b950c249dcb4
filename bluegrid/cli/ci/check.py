"""`bluegrid ci check`: refuses a request whose registry or previews have mistakes."""

from __future__ import annotations

from typing import Annotated

import typer

from bluegrid.cli import options
from bluegrid.cli.check import check as check_registry
from bluegrid.cli.ci.forges import allowed_by, change_request
from bluegrid.cli.ci.preview import PREVIEWS, Previews
from bluegrid.cli.tree import command


@command(epilog="Example: `bluegrid ci check --label allow-delete:line-loading`")
def check(
    label: Annotated[
        list[str] | None,
        typer.Option(
            help="A label of the request; allow-delete:SERVICE allows the deletion of a live service. "
            "Default: the labels of the request that this workflow runs for."
        ),
    ] = None,
    previews: Previews = PREVIEWS,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
) -> None:
    """Refuse mistakes of the registry, failed previews and broken rules."""
    request = change_request()
    labels = label or (request.labels if request else ())
    check_registry(registry, sorted(previews.glob("*.json")), allowed_by(labels), stacks)
