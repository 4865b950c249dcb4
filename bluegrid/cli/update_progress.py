"""The progress of an update in words, and the wait for its end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bluegrid.cli import output
from bluegrid.cli.update_client import ServerSilent
from bluegrid_registry import BluegridError
from bluegrid_registry.counts import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bluegrid.cli.update_client import UpdateServer

APART = 1.0
"""Seconds between two requests for the state of an update."""

_OPEN = frozenset({"queued", "running", "waiting", "not back"})
"""The states of an update that has not ended, as in `bluegrid.updates.jobs.update`, which needs an extra."""

WaitForEnd = Annotated[
    bool, typer.Option("--wait", help="Wait until the update has ended; exit code 1 if it is not done.")
]
Timeout = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="How long to wait at most: 90s, 10m, 1h. Default: no limit."),
]


def in_words(update: Mapping[str, Any]) -> str:
    """Return the state of an update with its step, such as `running: north: baking`."""
    return ": ".join([str(update["state"]), *([step] if (step := step_of(update)) else [])])


def step_of(update: Mapping[str, Any]) -> str:
    """Return what an update that has not ended does; empty: nothing is known."""
    rollout, progress = update["rollout"], update["progress"]
    if update["state"] not in _OPEN:
        return ""
    if update["state"] == "waiting":
        return f"{update['error']}; next try {update['next_try']}"
    if rollout is not None:
        baked = (
            f", {rollout['failed']} of {rollout['requests']} requests failed" if rollout["requests"] else ""
        )
        return f"{rollout['step']}{baked}"
    if progress is not None:
        total = progress["total_models"]
        return f"{progress['models']} of {'?' if total is None else total} models in the store"
    return ""


def nothing_new(update: Mapping[str, Any]) -> str | None:
    """Return in words that an update is done without a version; None: it has one, or is not done."""
    if update["state"] != "done" or update["result"] is not None:
        return None
    return f"nothing has changed since {update['wanted']['base']}, so there is no new version"


def result_of(update: Mapping[str, Any]) -> str:
    """Return on one line how an update ended."""
    result, version = update["result"], update["version"]
    head = f"{update['set']}: update {update['id']} {update['state']}"
    if result is not None:
        sent = f"{result['sent_models']} sent ({result['sent_bytes'] / 1e6:.2f} MB)"
        models = counted(result["models"], "model")
        head += f", version {version}: {models}, {sent}; {result['manifest'][:19]}"
    reason = update["error"] or nothing_new(update)
    return f"{head}: {reason}" if reason else head


def followed(server: UpdateServer, update: Mapping[str, Any], seconds: float | None) -> Mapping[str, Any]:
    """Print the steps of an update on standard error until it ends, and return it.

    Args:
        server: where the update is.
        update: the update.
        seconds: how long to wait; None: until it ends.

    Raises:
        BluegridError: the time is over, or the server does not know the update any more.
    """
    number = update["id"]
    deadline = None if seconds is None else time.monotonic() + seconds
    advice = f"it goes on: `bluegrid update show {number}`"
    changes = _Printed(f"update {number}")
    try:
        while True:
            changes.show(in_words(update))
            if update["state"] not in _OPEN:
                return update
            if deadline is not None and time.monotonic() >= deadline:
                raise BluegridError(f"update {number}: has not ended in {seconds:g} s; {advice}")
            time.sleep(APART)
            try:
                update = server.call("GET", f"/updates/{number}")
            except ServerSilent as error:
                # An update outlives its server: the next one goes on with it.
                changes.show(str(error))
    except KeyboardInterrupt:
        changes.show(advice)
        raise


@dataclass
class _Printed:
    """Prints lines on standard error, but not the same one twice in a row."""

    head: str
    last: str = ""

    def show(self, text: str) -> None:
        if text != self.last:
            typer.echo(f"{self.head}: {text}", err=True)
            self.last = text


def finish(
    server: UpdateServer, update: Mapping[str, Any], *, wait: bool, seconds: float | None, as_json: bool
) -> None:
    """Print an update, with `wait` once it has ended.

    Args:
        server: where the update is.
        update: the update.
        wait: whether to wait for its end.
        seconds: how long; None: until it ends.
        as_json: whether to print JSON.

    Raises:
        BluegridError: it was waited for, and is not done.
    """
    if wait:
        update = followed(server, update, seconds)
    fails = wait and update["state"] != "done"
    if as_json or not fails:
        output.emit(as_json=as_json, data=update, text=result_of(update))
    if fails:
        raise BluegridError(result_of(update))
