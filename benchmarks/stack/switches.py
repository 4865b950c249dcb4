"""Switches under load: the time from the command to the old version's last answer, and failed requests."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.stack.services import CLUSTERS, VERSIONS
from bluegrid_registry import BluegridError
from tools.demo import steps
from tools.demo.workspace import SERVICE
from tools.load import Load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.demo.prepare import Prepared
    from tools.demo.workspace import Workspace
    from tools.load import LoadReport

RATE = 200.0
"""Requests a second; few enough to leave CPU time for Pulumi."""
SETTLED_SECONDS = 1.0
"""Seconds without an answer of the old version, after which its latest answer counts as the last."""
_LOAD_SECONDS = 3600.0


@dataclass
class Switched:
    """Switches of one kind.

    Attributes:
        seconds: from the command to the last answer of the old version, of each switch.
        sent, failed: requests meanwhile.
    """

    seconds: list[float] = field(default_factory=list)
    sent: int = 0
    failed: int = 0

    def __add__(self, other: Switched) -> Switched:
        return Switched([*self.seconds, *other.seconds], self.sent + other.sent, self.failed + other.failed)


@contextmanager
def under_load(
    work: Workspace, prepared: Prepared, into: Switched, host: str | None = None
) -> Iterator[Load]:
    """Run a load that checks every answer; add its counts to `into`."""
    report = work.state / "load.json"
    requests = prepared.models / "requests.json"
    with Load.start(work.place.route_url, SERVICE, requests, report, RATE, _LOAD_SECONDS, host) as load:
        load.wait_until(lambda figures: figures.ok > 0, seconds=30)
        yield load
        result = load.stop()
    into.sent += result.sent
    into.failed += result.failed_total


def timed(load: Load, old: str, new: str, command: Callable[[], object], seconds: float = 600) -> float:
    """Run a command that moves requests to version `new`; return seconds until the last answer of `old`."""
    began = time.time()
    command()

    def has_moved(figures: LoadReport) -> bool:
        now = figures.seconds
        answered = _last(figures, new)
        return answered > now - SETTLED_SECONDS and _last(figures, old) < answered - SETTLED_SECONDS

    figures = load.wait_until(has_moved, seconds)
    last = figures.started.timestamp() + _last(figures, old)
    if last < began:
        raise BluegridError(f"{old} stopped answering before the switch to {new}")
    return last - began


def _last(figures: LoadReport, version: str) -> float:
    return max((spell.last for spell in figures.spells if spell.version == version), default=0.0)


def switch_back_and_forth(work: Workspace, prepared: Prepared, times: int, *, alone: bool) -> Switched:
    """Switch to the standby; update the whole stack, or the service's route alone."""
    done = Switched()
    with under_load(work, prepared, done) as load:
        for old, new in turns(times):
            switch = _switch_alone if alone else _switch
            done.seconds.append(timed(load, old, new, partial(switch, work, CLUSTERS[new])))
    return done


def _switch(work: Workspace, cluster: str) -> None:
    steps.edit_live(work, cluster)
    steps.up(work).require()


def _switch_alone(work: Workspace, cluster: str) -> None:
    steps.switch_past_a_failed_cluster(work, cluster).require()


def replace_back_and_forth(work: Workspace, prepared: Prepared, times: int) -> Switched:
    """Add the other version's cluster, switch to it and remove the old cluster, all in one update.

    The standby is removed first, and added again at the end.
    """
    _, second = VERSIONS
    steps.remove_cluster(work, CLUSTERS[second])
    steps.up(work).require()
    done = Switched()
    with under_load(work, prepared, done) as load:
        for old, new in turns(times):
            done.seconds.append(timed(load, old, new, partial(_replace, work, old, new)))
    steps.add_cluster(work, CLUSTERS[second], second)
    steps.up(work).require()
    return done


def _replace(work: Workspace, old: str, new: str) -> None:
    steps.add_cluster(work, CLUSTERS[new], new)
    steps.edit_live(work, CLUSTERS[new])
    steps.remove_cluster(work, CLUSTERS[old])
    steps.up(work).require()


def turns(times: int) -> Iterator[tuple[str, str]]:
    """Yield old and new version of each switch; an even number of switches ends at the first version."""
    first, second = VERSIONS
    for number in range(times):
        yield (first, second) if number % 2 == 0 else (second, first)
