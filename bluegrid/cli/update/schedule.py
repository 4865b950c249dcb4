"""`bluegrid update schedule`: lists the trainings that run on a schedule."""

from __future__ import annotations

from bluegrid.cli import options, output, update_client
from bluegrid.cli.tree import command
from bluegrid.cli.update_client import UpdateServer


@command(epilog="Example: `bluegrid update schedule --server https://updates.example.org`")
def schedule(
    server: update_client.Server,
    token: update_client.Token = None,
    token_file: update_client.TokenFile = None,
    as_json: options.Json = False,
) -> None:
    """List the sets that are trained on a schedule.

    For each, the last run, its result and the next run.
    """
    rows = UpdateServer.of(server, token, token_file).call("GET", "/schedules")
    columns = ("set", "when", "time_zone", "last", "update", "state", "next")
    output.emit_table(as_json=as_json, columns=columns, rows=rows)
