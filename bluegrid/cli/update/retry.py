"""`bluegrid update retry`: tries an update again."""

from __future__ import annotations

from typing import Annotated

import typer

from bluegrid.cli import update_client
from bluegrid.cli.tree import command


@command(epilog="Example: `bluegrid update retry 7 --server https://updates.example.org`")
def retry(
    update: Annotated[int, typer.Argument(help="The update, e.g. 7.", min=1)],
    server: update_client.Server,
    token: update_client.Token,
) -> None:
    """Try UPDATE again now, if it waits or failed before it had a version."""
    row = update_client.call(server, token, "POST", f"/updates/{update}/retry")
    typer.echo(f"update {row['id']}: {row['state']}")
