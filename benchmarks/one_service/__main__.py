"""`python -m benchmarks.one_service`: measure, judge, write the result and its page."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.one_service import divided, verdicts
from benchmarks.one_service.build_before import BuildBefore
from benchmarks.one_service.measure import measure
from benchmarks.one_service.report import write_divided, write_report
from benchmarks.result_files import finish, result_of
from benchmarks.rows import goals_of
from benchmarks.stack.__main__ import versions
from benchmarks.stack.place import online
from bluegrid_registry import BluegridError
from tools import toolchain
from tools.demo.prepare import CHECKOUT
from tools.demo.printer import Printer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.one_service.measure import Size
    from benchmarks.rows import Row
    from tools.demo.prepare import Prepared
    from tools.demo.workspace import Workspace

SCRATCH = CHECKOUT / ".bluegrid" / "bench-one-service"
SIZES = (10, 500)
"""Numbers of services in one stack: 25 minutes, most of it to create 500 and for the build before."""
DIVIDED = (500, 2000)
"""Numbers of services in several stacks: 500 take 15 minutes, most of it to create them."""


def main() -> int:
    """Run the benchmark; return 0 if every goal is met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one_service", description=__doc__)
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="of the build before, with its .venv")
    parser.add_argument("--rounds", type=int, default=2, help="how often each build switches there and back")
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        metavar="N",
        help=f"numbers of services instead of {SIZES}; writes to {SCRATCH}",
    )
    parser.add_argument(
        "--divided",
        type=int,
        nargs="*",
        metavar="N",
        help=f"N services {DIVIDED} in stacks of {divided.EACH}, beside the least of the sizes in one stack",
    )
    chosen = parser.parse_args()
    # So that SIGTERM stops the node too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        result = _measured(chosen)
    except KeyboardInterrupt:
        return 130
    except BluegridError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    is_full = chosen.sizes is None and not chosen.divided
    name, write = (
        ("one-service", write_report) if chosen.divided is None else ("several-stacks", write_divided)
    )
    return finish(name, result, write, None if is_full else SCRATCH)


def _measured(chosen: argparse.Namespace) -> dict[str, Any]:
    programs = toolchain.obtain(("kwok",), toolchain.ProgressPrinter())
    goals = goals_of("one-service")
    started = time.monotonic()
    sizes = chosen.sizes or SIZES
    used = versions()
    with _online() as (work, prepared):
        before = None
        if chosen.before is not None:
            before = BuildBefore(chosen.before.resolve(), work, prepared.programs)
            used[verdicts.BEFORE] = before.commit
        measured: list[Size] = []
        rows: list[Row] = []
        for size in measure(
            work, prepared, programs, before, sizes if chosen.divided is None else sizes[:1], chosen.rounds
        ):
            measured.append(size)
            rows += _printed(verdicts.of_size(size, goals))
    rows += _printed(verdicts.of_growth(measured, goals))
    if chosen.divided is not None:
        # A node of its own, so that one region's services are all that there is.
        with _online() as (work, prepared):
            counts = chosen.divided or DIVIDED
            for found in divided.measure(work, prepared, programs, counts, chosen.rounds):
                rows += _printed(verdicts.of_divided(found, measured[0], goals))
    return result_of(rows, used, started)


@contextmanager
def _online() -> Iterator[tuple[Workspace, Prepared]]:
    with (
        tempfile.TemporaryDirectory(prefix="bluegrid-bench-") as folder,
        online(Printer(), Path(folder)) as (work, prepared),
    ):
        yield work, prepared


def _printed(rows: list[Row]) -> list[Row]:
    print(*rows, sep="\n", flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main())
