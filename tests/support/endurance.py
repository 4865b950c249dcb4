"""The size of endurance tests: small in every run, full in `make endurance`, which keeps its result.

A test at full size can also run alone: its measurements replace its earlier ones, and the rest of the result
stays. For example:

    BLUEGRID_ENDURANCE=1 pytest tests/process/bluegrid_server/front/test_soak.py
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.machine import machine

if TYPE_CHECKING:
    import pytest

FULL = os.environ.get("BLUEGRID_ENDURANCE") == "1"

RESULT = Path(__file__).parents[2] / "benchmarks" / "results" / "endurance.json"

_LONG_SECONDS = 10.0

_sizes: dict[str, int] = {}
_measured: dict[str, dict[str, Any]] = {}


def scale(small: int, full: int) -> int:
    """Return `full` in a run at full size, otherwise `small`."""
    _sizes[_caller()] = full
    return full if FULL else small


def measured(case: str | None = None, **values: Any) -> None:
    """Keep the measurements of a test, or of one of its cases, with the result of a run at full size."""
    _measured[_caller() + (f"[{case}]" if case else "")] = {
        "machine": machine(),
        "date": _minute(datetime.now(UTC)),
        **values,
    }


def _caller() -> str:
    code = sys._getframe(2).f_code
    return f"{Path(code.co_filename).name}::{code.co_qualname}"


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}Z"


class Record:
    """A plugin of pytest that records the result of a run at full size."""

    def __init__(self) -> None:
        self._started = datetime.now(UTC)
        self._outcomes: dict[str, str] = {}
        self._seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a test's duration and outcome."""
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration
        if report.when == "call" or report.outcome != "passed":
            self._outcomes[report.nodeid] = report.outcome

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the result; if only some tests ran, only their measurements."""
        kept = json.loads(RESULT.read_text())
        kept["measured"] = dict(sorted({**kept.get("measured", {}), **_measured}.items()))
        config = session.config
        if all(Path(name).is_dir() for name in config.args) and not config.option.keyword:
            kept |= self._result(config.args)
        RESULT.write_text(json.dumps(kept, indent=2) + "\n")

    def _result(self, folders: list[str]) -> dict[str, Any]:
        ended = list(self._outcomes.values())
        longest = sorted(self._seconds.items(), key=lambda each: -each[1])
        return {
            "machine": machine(),
            "date": _minute(self._started),
            "folders": [Path(folder).as_posix() for folder in folders],
            "minutes": round((datetime.now(UTC) - self._started).total_seconds() / 60, 1),
            "passed": ended.count("passed"),
            "failed": [name for name, outcome in self._outcomes.items() if outcome == "failed"],
            "skipped": ended.count("skipped"),
            "full_sizes": dict(sorted(_sizes.items())),
            "longest_seconds": {name: round(took, 1) for name, took in longest if took > _LONG_SECONDS},
        }
