"""`python -m benchmarks.before NAME CHECKOUT`: this build beside that of an earlier commit, measured in turn.

Runs `python -m benchmarks.NAME --quick` in both checkouts, each with its own `.venv`. The samples go into
`benchmarks/results/NAME-before.json`, from where the benchmark's page takes its last table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.machine import machine
from benchmarks.page import compared_builds
from benchmarks.result_files import CHECKOUT, RESULTS
from benchmarks.rows import OURS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BENCHMARKS = ("transfer", "server", "stack", "registry")


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.before", description=__doc__)
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("checkout", type=Path, help="of the earlier commit, with its .venv")
    parser.add_argument("--rounds", type=int, default=2, help="how often each of the two is measured")
    chosen = parser.parse_args()
    sides: dict[str, list[Mapping[str, Any]]] = {"before": [], "after": []}
    for each in range(chosen.rounds):
        # In turn, and the other way round every second time: a machine that gets slower favours none.
        for side in sorted(sides, reverse=each % 2 == 0):
            checkout = chosen.checkout if side == "before" else CHECKOUT
            sides[side].append(_measured(chosen.name, checkout.resolve()))
    result = {
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "commits": {side: runs[0]["versions"][OURS] for side, runs in sides.items()},
        "rounds": chosen.rounds,
        "rows": compared(sides["before"], sides["after"]),
    }
    (RESULTS / f"{chosen.name}-before.json").write_text(json.dumps(result, indent=1) + "\n")
    print(compared_builds(result))
    return 0


def compared(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what both builds have measured, with all samples of all runs.

    A benchmark has several rows of the same samples, against one peer and another; here they are one.
    """
    first, second = _samples(before), _samples(after)
    units = {_work(row): row["unit"] for row in after[0]["rows"]}
    rows: list[dict[str, Any]] = []
    for work in (each for each in second if each in first):
        samples = {"before": first[work], "after": second[work]}
        if samples not in [{side: row[side] for side in samples} for row in rows]:
            rows.append({"work": work, "unit": units[work], **samples})
    return rows


def _measured(name: str, checkout: Path) -> Mapping[str, Any]:
    result = checkout / ".bluegrid" / f"bench-{name}" / f"{name}.json"
    result.unlink(missing_ok=True)
    python = checkout / ".venv" / "bin" / "python"
    # Ends with 1 where a goal is missed.
    subprocess.run([str(python), "-m", f"benchmarks.{name}", "--quick"], cwd=checkout, check=False)
    if not result.exists():
        raise SystemExit(
            f"error: benchmark {name} of {checkout} ended without a result; see its output above"
        )
    measured: dict[str, Any] = json.loads(result.read_text())
    return measured


def _samples(runs: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for run in runs:
        # By work: the rows of a run that have the same one also have the same samples.
        rows = {_work(row): row["samples"].get(OURS) for row in run["rows"]}
        for work, samples in rows.items():
            if samples:
                found.setdefault(work, []).extend(samples)
    return found


def _work(row: Mapping[str, Any]) -> str:
    return str(row["work"]).partition(": against")[0]


if __name__ == "__main__":
    raise SystemExit(main())
