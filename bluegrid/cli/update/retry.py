"""`bluegrid update retry`: tries an update again."""

from __future__ import annotations

import typer

from bluegrid.cli import update_client  # noqa: TC001 - typer reads it
from bluegrid.cli.tree import command
from bluegrid.cli.update_client import UpdateServer


@command(epilog="Example: `bluegrid update retry 7 --server https://updates.example.org`")
def retry(
    update: update_client.UpdateId,
    server: update_client.Server,
    token: update_client.Token = None,
    token_file: update_client.TokenFile = None,
) -> None:
    """Try UPDATE again now, if it waits or failed before it had a version."""
    row = UpdateServer.of(server, token, token_file).call("POST", f"/updates/{update}/retry")
    typer.echo(f"update {row['id']}: {row['state']}")
