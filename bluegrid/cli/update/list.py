"""`bluegrid update list`: the updates of an update server."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from bluegrid.cli import options, output, update_client, update_progress
from bluegrid.cli.tree import command
from bluegrid.cli.update_client import UpdateServer

_COLUMNS = ("update", "set", "state", "version", "author", "created", "step")


@command(epilog="Examples: `bluegrid update list`, `bluegrid update list --set g1 --state failed --last 5`")
def list_updates(
    server: update_client.Server,
    set_id: Annotated[str | None, typer.Option("--set", help="Only updates of this set.")] = None,
    state: Annotated[
        str | None, typer.Option(help="Only updates in this state, such as queued, running or failed.")
    ] = None,
    last: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    token: update_client.Token = None,
    token_file: update_client.TokenFile = None,
    as_json: options.Json = False,
) -> None:
    """List the updates of the server, newest first."""
    query = {"limit": last} | ({"set": set_id} if set_id else {}) | ({"state": state} if state else {})
    rows = UpdateServer.of(server, token, token_file).call("GET", f"/updates?{urlencode(query)}")
    output.emit_table(
        as_json=as_json, columns=_COLUMNS, rows=rows if as_json else [_row(update) for update in rows]
    )


def _row(update: dict[str, Any]) -> dict[str, Any]:
    step = update_progress.step_of(update) or update["error"] or update_progress.nothing_new(update)
    return {"update": update["id"], "step": step, **{key: update[key] for key in _COLUMNS[1:-1]}}
