"""A benchmark ends with its result in two files and an exit code that says whether every goal was met."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.result_files import finish
from benchmarks.rows import OURS, row

if TYPE_CHECKING:
    from pathlib import Path


def result(seconds: float) -> dict[str, Any]:
    judged = row("push", "s", {OURS: [seconds], "peer": [2.0]}, {"at_least": 1.5}, ["peer"])
    return {"minutes": 0.5, "rows": [judged.to_json(), row("memory", "MiB", {OURS: [9]}, None).to_json()]}


def page(_: dict[str, Any], folder: Path) -> Path:
    return folder / "page.md"


def test_a_missed_goal_is_named_and_is_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert finish("transfer", result(2.0), page, tmp_path) == 1
    *_, count, missed = capsys.readouterr().out.splitlines()
    assert count == "0.5 min; goals missed: 1 of 1"
    assert missed == "  push: 1, goal {'at_least': 1.5}"
    assert json.loads((tmp_path / "transfer.json").read_text()) == result(2.0)


def test_a_run_that_meets_its_goals_ends_with_0(tmp_path: Path) -> None:
    assert finish("transfer", result(1.0), page, tmp_path) == 0


@pytest.mark.parametrize(
    ("seconds", "line"),
    [(1.0, "push: 1 s; 2 peer, 2 times holds"), (2.0, "push: 2 s; 2 peer, 1 times MISSED")],
)
def test_a_row_prints_its_peer_and_its_verdict(seconds: float, line: str) -> None:
    judged = row("push", "s", {OURS: [seconds], "peer": [2.0]}, {"at_least": 1.5}, ["peer"])
    assert str(judged) == line
    assert str(row("memory", "MiB", {OURS: [9]}, None)) == "memory: 9 MiB"
