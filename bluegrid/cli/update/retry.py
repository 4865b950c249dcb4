"""`bluegrid update retry`: tries an update again."""

from __future__ import annotations

from bluegrid.cli import options, output, update_client
from bluegrid.cli.tree import command
from bluegrid.cli.update_client import UpdateServer


@command(epilog="Example: `bluegrid update retry 7 --server https://updates.example.org`")
def retry(
    update: update_client.UpdateId,
    server: update_client.Server,
    token: update_client.Token = None,
    token_file: update_client.TokenFile = None,
    as_json: options.Json = False,
) -> None:
    """Try UPDATE again now, if it waits or failed before it had a version."""
    row = UpdateServer.of(server, token, token_file).call("POST", f"/updates/{update}/retry")
    output.emit(as_json=as_json, data=row, text=f"update {row['id']}: {row['state']}")
