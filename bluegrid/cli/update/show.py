"""`bluegrid update show`: one update."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bluegrid.cli import durations, options, output, update_client, update_progress
from bluegrid.cli.tree import command
from bluegrid.cli.update_client import UpdateServer

_FACTS = ("id", "set", "state", "version", "author", "created", "ended", "tries", "next_try")


@command(
    epilog="Examples: `bluegrid update show 7 --output 20`, `bluegrid update show 7 --wait --timeout 1h`"
)
def show(
    update: update_client.UpdateId,
    server: update_client.Server,
    lines: Annotated[
        int,
        typer.Option("--output", metavar="LINES", min=0, help="Also the last lines of the trainer's output."),
    ] = 0,
    wait: update_progress.WaitForEnd = False,
    timeout: update_progress.Timeout = None,
    token: update_client.Token = None,
    token_file: update_client.TokenFile = None,
    as_json: options.Json = False,
) -> None:
    """Show UPDATE: what was requested, its step, its result or error."""
    seconds = None if timeout is None else durations.seconds(timeout, "--timeout")
    connection = UpdateServer.of(server, token, token_file)
    row = connection.call("GET", f"/updates/{update}")
    if wait:
        update_progress.finish(connection, row, wait=True, seconds=seconds, as_json=as_json)
        return
    if lines:
        row["output"] = connection.call("GET", f"/updates/{update}/output?lines={lines}")["lines"]
    output.emit(as_json=as_json, data=row, text="\n".join(_lines(row)))


def _lines(row: dict[str, Any]) -> list[str]:
    wanted = {key: value for key, value in row["wanted"].items() if value not in (None, [], {}, False)}
    models = wanted.pop("models", {})
    facts = {key: row[key] for key in _FACTS if row[key] not in (None, 0)}
    facts |= {f"requested {key}": value for key, value in wanted.items()}
    if models:
        facts["requested models"] = [*models]
    facts |= {"step": update_progress.step_of(row) or None, "error": row["error"]}
    facts["result"] = update_progress.nothing_new(row)
    facts |= {f"result {key}": value for key, value in (row["result"] or {}).items()}
    facts |= {
        f"rollout {key}": value for key, value in (row["rollout"] or {}).items() if value not in (None, {})
    }
    shown = [f"{key}: {output.cell(value)}" for key, value in facts.items() if value is not None]
    return [*shown, *(f"output: {line}" for line in row.get("output", ()))]
