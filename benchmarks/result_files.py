"""Writes a benchmark's result: into the tracked files for a full run, otherwise into a scratch folder."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.machine import machine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.rows import Row

CHECKOUT = Path(__file__).parents[1]
RESULTS = CHECKOUT / "benchmarks" / "results"


def commit() -> str:
    """Return the measured commit, abbreviated."""
    command = ("git", "rev-parse", "--short", "HEAD")
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False).stdout.strip()


def result_of(
    rows: Sequence[Row], versions: Mapping[str, str], started: float, **more: Any
) -> dict[str, Any]:
    """Return the content of a result's file, measured on this machine today.

    Args:
        rows: what was measured.
        versions: of all software that was measured, by name.
        started: `time.monotonic()` when the run began.
        more: what only this benchmark has.
    """
    return {
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "minutes": round((time.monotonic() - started) / 60, 1),
        "versions": dict(versions),
        **more,
        "rows": [row.to_json() for row in rows],
    }


def finish(
    name: str,
    result: dict[str, Any],
    write_report: Callable[[dict[str, Any], Path], Path],
    scratch: Path | None,
) -> int:
    """Write the raw result `<name>.json` and its page; print their paths and the missed goals.

    Args:
        name: the benchmark's name.
        result: the content of the JSON file, as of `result_of`.
        write_report: writes the page into a folder, and returns its path.
        scratch: the folder for both, for a run whose figures are not valid; None: the tracked folders.

    Returns:
        The exit code: 0 if every goal was met.
    """
    results = scratch or RESULTS
    results.mkdir(parents=True, exist_ok=True)
    (results / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"{write_report(result, scratch or CHECKOUT / 'docs' / 'benchmarks')} is written")
    rows = result["rows"]
    missed = [row for row in rows if row["holds"] is False]
    goals = sum(row["holds"] is not None for row in rows)
    print(f"{result['minutes']} min; goals missed: {len(missed)} of {goals}")
    for row in missed:
        value = row["ours"] if row["ratio"] is None else row["ratio"]
        print(f"  {row['work']}: {value:g}, goal {row['goal']}")
    return 1 if missed else 0
