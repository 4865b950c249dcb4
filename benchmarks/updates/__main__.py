"""`python -m benchmarks.updates`: measure, judge, write the result and its page; two minutes."""

from __future__ import annotations

import argparse
import platform
import resource
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import page
from benchmarks.page import MET, goal, number, spread, table
from benchmarks.result_files import commit, finish, result_of
from benchmarks.rows import OURS, Goals, Row, goals_of, row
from benchmarks.updates.namespace import snapshot
from benchmarks.updates.place import ServedRegistry
from bluegrid.operations import statuses
from bluegrid.states import states_of_offered
from bluegrid_registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCRATCH = Path(__file__).parents[2] / ".bluegrid" / "bench-updates"
SERVICES = (10, 100, 500)
ROWS = (1_000, 10_000, 100_000)
SAMPLES = 5
LISTS = {
    "updates of all sets": "/updates?limit=100",
    "updates of one set": "/updates?set=g0001&limit=100",
    "updates of a set without any": "/updates?set=other&limit=100",
    "switches of one service": "/switches?service=g0001&limit=20",
    "switches of a service without any": "/switches?service=other&limit=20",
    "audit events": "/audit-events?newest=true&limit=100",
}
"""The lists that the page polls, by what they have."""
_MS = "ms of CPU"
_METHOD = f"""\
## How it is measured

Milliseconds of CPU of the server's process, with the client in it, and of the git that it runs;
{SAMPLES} samples.

- *Services*: the answer to `GET /services`, which an open page requests every 5 s: what is declared, and
  what was live before in each region, by git. *First* is the answer after the server has started: it
  reads the history of every file. Two regions; each service has been switched once.
- *Status*: the computation of one region's status, with drift, from objects of Kubernetes that have
  been read.
- *Journal*: lists that the page requests, with this many updates, switches and audit events, over
  {SERVICES[0]} services.
"""


def main() -> int:
    """Run the benchmark; return 0 if every goal is met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.updates", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"the smaller half; writes to {SCRATCH}")
    is_quick = parser.parse_args().quick
    goals, started = goals_of("updates"), time.monotonic()
    parts = (
        *(_of_services(count, goals) for count in SERVICES[: 2 if is_quick else None]),
        _of_journal(ROWS[: 2 if is_quick else None], goals),
    )
    rows = []
    for part in parts:
        for each in part:
            print(each, flush=True)
            rows.append(each)
    versions = {OURS: commit(), "python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    return finish("updates", result_of(rows, versions, started), _write_report, SCRATCH if is_quick else None)


def _of_services(count: int, goals: Goals) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="bluegrid-bench-") as folder:
        place = ServedRegistry.create(Path(folder), count)
        declared = states_of_offered(Registry.load(place.registry).offered("north"))
        before, now = (snapshot(place.names, at) for at in (0.0, 1.0))
        with place.server() as client:

            def services() -> None:
                client.get("/services").raise_for_status()

            first = [_milliseconds(services)]
            again = [_milliseconds(services) for _ in range(SAMPLES)]
    status = [_milliseconds(lambda: statuses(before, now, declared)) for _ in range(SAMPLES)]
    what = f"{count} services"
    yield row(f"services, first, {what}", _MS, {OURS: first}, goals.get(f"services, first, {what}"))
    yield row(f"services, {what}", _MS, {OURS: again}, goals.get(f"services, {what}"))
    yield row(f"status, {what}", _MS, {OURS: status}, goals.get(f"status, {what}"))


def _of_journal(counts: tuple[int, ...], goals: Goals) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="bluegrid-bench-") as folder:
        place = ServedRegistry.create(Path(folder), SERVICES[0])
        with place.server() as client:
            there = 0
            for count in counts:
                place.add_rows(count - there)
                there = count
                for what, path in LISTS.items():

                    def request(path: str = path) -> None:
                        client.get(path).raise_for_status()

                    samples = [_milliseconds(request) for _ in range(SAMPLES)]
                    goal_of_last = goals["journal"] if count == counts[-1] else None
                    yield row(f"journal of {count:,} rows, {what}", _MS, {OURS: samples}, goal_of_last)


def _milliseconds(work: Callable[[], object]) -> float:
    """Return the CPU time of this process and of the programs that it has run meanwhile."""
    before = _cpu_seconds()
    work()
    return 1000 * (_cpu_seconds() - before)


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _write_report(result: dict[str, Any], folder: Path) -> Path:
    lines = [
        (
            each["work"],
            spread(each["samples"][OURS]),
            each["unit"],
            goal(each["goal"]),
            MET[each["holds"]],
        )
        for each in result["rows"]
    ]
    figures = table(("", f"{OURS}: median (least-most)", "unit", "goal", "met"), lines)
    most = max(each["ours"] for each in result["rows"] if each["work"].startswith("journal"))
    summary = f"No list of the journal takes more than {number(most)} ms, whatever the number of rows."
    return page.write(
        "updates", "The update server and its page", result, [figures, summary, _METHOD], folder
    )


if __name__ == "__main__":
    sys.exit(main())
