"""`python -m benchmarks.registry`: measure, judge, write the result and its page."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import sys
import tempfile
import time
from collections import defaultdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.registry import measure, place, verdicts
from benchmarks.registry.plan import FULL, HISTORY_SETS, QUICK, Plan
from benchmarks.registry.report import write_report
from benchmarks.result_files import CHECKOUT, commit, finish, result_of
from benchmarks.rows import OURS, goals_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.registry.measure import Used
    from benchmarks.rows import Goals, Row

SCRATCH = CHECKOUT / ".bluegrid" / "bench-registry"
PACKAGES = ("pydantic", "ruamel.yaml", "PyYAML")


def main() -> int:
    """Run the benchmark; return 0 if every goal is met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.registry", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"a part of it; writes to {SCRATCH}")
    plan = QUICK if parser.parse_args().quick else FULL
    goals, started = goals_of("registry"), time.monotonic()
    rows = []
    for each in chain(_of_sizes(plan, goals), _of_history(plan, goals)):
        print(each, flush=True)
        rows.append(each)
    packages = {name: importlib.metadata.version(name) for name in PACKAGES}
    versions = {OURS: commit(), "python": platform.python_version(), **packages}
    return finish(
        "registry", result_of(rows, versions, started), write_report, None if plan is FULL else SCRATCH
    )


def _of_sizes(plan: Plan, goals: Goals) -> Iterator[Row]:
    for sets, versions in plan.sizes:
        with tempfile.TemporaryDirectory(prefix="bluegrid-bench-") as folder:
            project = place.create(Path(folder), sets, versions)
            commands = [measure.reads(project, plan.samples)]
            if versions > 1:
                commands.append(measure.edits(project, plan.samples))
            for command, used in chain.from_iterable(commands):
                yield from verdicts.of_size(command, sets, versions, used, goals)


def _of_history(plan: Plan, goals: Goals) -> Iterator[Row]:
    used_by: dict[str, dict[int, list[Used]]] = defaultdict(dict)
    for commits in plan.commits:
        with tempfile.TemporaryDirectory(prefix="bluegrid-bench-") as folder:
            project = place.create_history(Path(folder), HISTORY_SETS, commits)
            for command, used in measure.of_history(project, plan.samples):
                used_by[command][commits] = used
                yield verdicts.of_commits(command, commits, used)
    if len(plan.commits) > 1:
        for command, by_commits in used_by.items():
            yield verdicts.of_growth(command, by_commits, goals)


if __name__ == "__main__":
    sys.exit(main())
