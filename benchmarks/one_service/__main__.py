"""`python -m benchmarks.one_service`: measure, judge, write the result and its page."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.machine import machine
from benchmarks.one_service import verdicts
from benchmarks.one_service.build_before import BuildBefore
from benchmarks.one_service.measure import measure
from benchmarks.one_service.report import write_report
from benchmarks.result_files import finish
from benchmarks.rows import goals_of
from benchmarks.stack.__main__ import versions
from benchmarks.stack.place import online
from bluegrid_registry import BluegridError
from tools import toolchain
from tools.demo.prepare import CHECKOUT
from tools.demo.printer import Printer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.one_service.measure import Size
    from benchmarks.rows import Row

SCRATCH = CHECKOUT / ".bluegrid" / "bench-one-service"
SIZES = (10, 500)
"""Numbers of services: half an hour, most of it for the creation of 500 and for the build before."""


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
    chosen = parser.parse_args()
    # So that SIGTERM stops the node too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        result = _measured(chosen.sizes or SIZES, chosen.rounds, chosen.before)
    except KeyboardInterrupt:
        return 130
    except BluegridError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return finish("one-service", result, write_report, SCRATCH if chosen.sizes else None)


def _measured(sizes: Sequence[int], rounds: int, checkout: Path | None) -> dict[str, Any]:
    programs = toolchain.obtain(("kwok",), toolchain.ProgressPrinter())
    goals = goals_of("one-service")
    with (
        tempfile.TemporaryDirectory(prefix="bluegrid-bench-") as folder,
        online(Printer(), Path(folder)) as (work, prepared),
    ):
        before = None if checkout is None else BuildBefore(checkout.resolve(), work, prepared.programs)
        started = time.monotonic()
        measured: list[Size] = []
        rows: list[Row] = []
        for size in measure(work, prepared, programs, before, sizes, rounds):
            measured.append(size)
            rows += (found := verdicts.of_size(size, goals))
            print(*found, sep="\n", flush=True)
        minutes = (time.monotonic() - started) / 60
    return {
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "minutes": round(minutes, 1),
        "versions": {
            **versions(),
            **({} if before is None else {verdicts.BEFORE: before.commit}),
        },
        "rows": [row.to_json() for row in (*rows, *verdicts.of_growth(measured, goals))],
    }


if __name__ == "__main__":
    sys.exit(main())
