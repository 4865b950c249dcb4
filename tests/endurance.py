"""How far the tests go: bounded in every run, at full size in `make endurance`, which keeps its result."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.machine import machine

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

FULL = os.environ.get("BLUEGRID_ENDURANCE") == "1"

RESULT = Path(__file__).parents[1] / "benchmarks" / "results" / "endurance.json"

_LONG_SECONDS = 10.0

_sizes: dict[str, int] = {}


def scale(small: int, full: int) -> int:
    """Return `full` where there is time for it, else `small`."""
    caller = sys._getframe(1)
    _sizes[f"{Path(caller.f_code.co_filename).name}::{caller.f_code.co_qualname}"] = full
    return full if FULL else small


class Record:
    """A plugin of pytest that writes down how a run at full size went."""

    def __init__(self) -> None:
        self._started = datetime.now(UTC)
        self._outcomes: dict[str, str] = {}
        self._seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how long a test took, and how it ended."""
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration
        if report.when == "call" or report.outcome != "passed":
            self._outcomes[report.nodeid] = report.outcome

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the result."""
        RESULT.write_text(json.dumps(self._result(session.config.args), indent=2) + "\n")

    def _result(self, folders: Iterable[str]) -> dict[str, Any]:
        ended = list(self._outcomes.values())
        longest = sorted(self._seconds.items(), key=lambda each: -each[1])
        return {
            "machine": machine(),
            "date": f"{self._started:%Y-%m-%d %H:%M}Z",
            "folders": [Path(folder).as_posix() for folder in folders],
            "minutes": round((datetime.now(UTC) - self._started).total_seconds() / 60, 1),
            "passed": ended.count("passed"),
            "failed": [name for name, outcome in self._outcomes.items() if outcome == "failed"],
            "skipped": ended.count("skipped"),
            "full_sizes": dict(sorted(_sizes.items())),
            "longest_seconds": {name: round(took, 1) for name, took in longest if took > _LONG_SECONDS},
        }
