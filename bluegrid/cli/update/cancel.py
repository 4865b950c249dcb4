"""`bluegrid update cancel`: cancels an update."""

from __future__ import annotations

from bluegrid.cli import options, update_client, update_progress
from bluegrid.cli.tree import command
from bluegrid.cli.update_client import UpdateServer


@command(epilog="Example: `bluegrid update cancel 7`")
def cancel(
    update: update_client.UpdateId,
    server: update_client.Server,
    token: update_client.Token = None,
    token_file: update_client.TokenFile = None,
    as_json: options.Json = False,
) -> None:
    """Cancel UPDATE; a rollout under way is rolled back.

    The server ends what runs: `bluegrid update show` says when it has ended.
    """
    connection = UpdateServer.of(server, token, token_file)
    row = connection.call("POST", f"/updates/{update}/cancel")
    update_progress.finish(connection, row, wait=False, seconds=None, as_json=as_json)
