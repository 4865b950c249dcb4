"""`python -m benchmarks.transfer`: measure, judge, write the result and its page."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machine import MEMORY_FILES, folder_in_memory
from benchmarks.result_files import commit, finish, result_of
from benchmarks.rows import goals_of
from benchmarks.transfer import growth, update, verdicts
from benchmarks.transfer.cells import WORKS, Bench, Cell, keeping_up
from benchmarks.transfer.clients import PEERS, Client, OneObject, S5cmd
from benchmarks.transfer.ours import Ours
from benchmarks.transfer.payload import Payload, random_models, real_models
from benchmarks.transfer.plan import FULL, QUICK, SMALL, TINY, Kind, Plan
from benchmarks.transfer.report import write_report
from benchmarks.transfer.server import CHECKOUT, Way, running, way_to
from bluegrid_registry import BluegridError
from tools import toolchain
from tools.toolchain.programs import PEERS as PEER_PROGRAMS
from tools.toolchain.programs import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.rows import Row

SCRATCH = CHECKOUT / ".bluegrid" / "bench-transfer"
ROOM_BYTES = 8_000_000_000
"""Server, models and fetched files need up to 4 GB; the rest is for the processes."""
PYTHON_PEERS = ("boto3", "awscli", "obstore")


def main() -> int:
    """Run the benchmark; return 0 if every goal is met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transfer", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help=f"a part of it, in minutes; writes to {SCRATCH}")
    size.add_argument("--small", action="store_true", help=f"20 KB models, in minutes; writes to {SCRATCH}")
    size.add_argument("--tiny", action="store_true", help=f"seconds, proves nothing; writes to {SCRATCH}")
    chosen = parser.parse_args()
    # So that SIGTERM stops the server and frees the memory too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = QUICK if chosen.quick else SMALL if chosen.small else TINY if chosen.tiny else FULL
    try:
        programs = toolchain.obtain(["versitygw", "s5cmd"], toolchain.ProgressPrinter())
        started = time.monotonic()
        rows = list(_measured(plan, programs["versitygw"], programs["s5cmd"]))
        files = (
            f"in memory ({MEMORY_FILES})"
            if folder_in_memory(ROOM_BYTES)
            else f"on disk ({tempfile.gettempdir()})"
        )
        result = result_of(rows, _versions(), started, files=files)
    except KeyboardInterrupt:
        return 130
    except BluegridError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return finish("transfer", result, write_report, None if plan is FULL else SCRATCH)


def _measured(plan: Plan, s3_server: Path, s5cmd: Path) -> Iterator[Row]:
    goals = goals_of("transfer")
    S5cmd.program = s5cmd
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="bluegrid-bench-", dir=folder_in_memory(ROOM_BYTES))
            )
        )
        server = stack.enter_context(running(s3_server, folder / "server"))
        stack.enter_context(_caches_in(folder / "cache"))
        ways = [stack.enter_context(way_to(server.endpoint, rtt)) for rtt in plan.rtts]
        bench = Bench(server, folder, plan.samples)
        _warm_up(bench, ways)

        cells: list[Cell] = []
        for kind in plan.kinds:
            for cell in _cells(bench, kind, ways, cells):
                cells.append(cell)
                yield from _printed(verdicts.of_cell(cell, goals))
        yield from _printed(verdicts.of_proxy(cells, goals))

        models = _models(bench.folder, plan.updated)
        updates = update.measure(server, folder, models, plan.updated, plan.samples)
        shutil.rmtree(models.folder)
        yield from _printed(verdicts.of_update(updates, goals))

        kinds = [*(Kind(2_000, count) for count in plan.growth), *plan.large]
        points = growth.measure(server, lambda kind: _models(folder, kind), kinds, plan.growth_samples)
        yield from _printed(verdicts.of_growth(points, goals))


@contextmanager
def _caches_in(folder: Path) -> Iterator[None]:
    """Keep the cached facts about the server in `folder`, separate from those of the user's own stores."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    try:
        yield
    finally:
        del os.environ["XDG_CACHE_HOME"]
        if before is not None:
            os.environ["XDG_CACHE_HOME"] = before


def _warm_up(bench: Bench, ways: list[Way]) -> None:
    """Load every library, and probe the server, as users do once a day."""
    payload = random_models(bench.folder / "warm-up", 2, 2_000)
    tools: list[type[Client]] = [Ours, *PEERS, OneObject]
    for work in WORKS:
        for way in ways:
            bench.warm_up(work, payload, [tool for tool in tools if work in tool.works], way)


def _cells(bench: Bench, kind: Kind, ways: list[Way], before: list[Cell]) -> Iterator[Cell]:
    payload = _models(bench.folder, kind)
    with bench.stored(payload):
        for work in WORKS:
            for way in ways:
                peers: list[type[Client]] = [each for each in PEERS if work in each.works]
                if not kind.all_tools:
                    names = keeping_up(before, kind, work, way.rtt)
                    peers = [each for each in peers if each.name in names]
                yield bench.measure(work, kind, payload, [Ours, *peers, OneObject], way)
    shutil.rmtree(payload.folder)


def _models(folder: Path, kind: Kind) -> Payload:
    into = folder / f"models-{kind.size}-{kind.count}"
    shutil.rmtree(into, ignore_errors=True)
    return random_models(into, kind.count, kind.size) if kind.size else real_models(into, kind.count)


def _printed(rows: list[Row]) -> list[Row]:
    for row in rows:
        print(row, flush=True)
    return rows


def _versions() -> dict[str, str]:
    names = {"versitygw", "s5cmd"}
    programs = {each.name: each.version for each in (*PROGRAMS, *PEER_PROGRAMS) if each.name in names}
    packages = {name: importlib.metadata.version(name) for name in PYTHON_PEERS}
    return {"bluegrid": commit(), "python": platform.python_version(), **packages, **programs}


if __name__ == "__main__":
    sys.exit(main())
