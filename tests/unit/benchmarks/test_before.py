"""Comparison of two builds measured in turn: which figures are equal within their spread."""

from __future__ import annotations

from typing import Any

from benchmarks.before import compared
from benchmarks.page import compared_builds
from benchmarks.rows import OURS, row


def run(push: float, fetch: float, *more: str) -> dict[str, Any]:
    """Return one result of a benchmark."""
    rows = [
        row("push: against peers", "s", {OURS: [push, push + 1], "peer": [9.0]}, None, ["peer"]),
        row("push", "s", {OURS: [push, push + 1]}, {"under": 9}),
        row("fetch", "s", {OURS: [fetch]}, None),
        *(row(each, "s", {OURS: [1.0]}, None) for each in more),
    ]
    return {"rows": [each.to_json() for each in rows]}


def test_samples_of_all_runs_are_compared_where_both_builds_have_them() -> None:
    before, after = [run(1, 5), run(3, 6, "prune")], [run(2, 8, "verify"), run(2, 9)]
    assert compared(before, after) == [
        {"work": "push", "unit": "s", "before": [1, 2, 3, 4], "after": [2, 3, 2, 3]},
        {"work": "fetch", "unit": "s", "before": [5, 6], "after": [8, 9]},
    ]


def test_a_figure_outside_the_other_spread_is_named() -> None:
    rows = compared([run(1, 5), run(3, 6)], [run(2, 8), run(2, 9)])
    commits = {"before": "0d4a943", "after": "1234567"}
    section = compared_builds(
        {"date": "2026-11-28", "machine": "a machine", "commits": commits, "rounds": 2, "rows": rows}
    )
    assert "1 of 2 figures are within each other's spread" in section
    assert "| push | 2.5 (1-4) | 2.5 (2-3) | s | 1 | yes |" in section
    assert "| fetch | 5.5 (5-6) | 8.5 (8-9) | s | 1.55 | no |" in section
