"""`bluegrid stack move` changes nothing where it cannot move: the rest is tested on Pulumi's engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.operator import TEXT, pulumi_that, refused, stack_file

if TYPE_CHECKING:
    from pathlib import Path

GRID = {"kubeContext": "grid", "namespace": "grid"}
MOVE = ("stack", "move", "line-loading", "--stack", "north", "--dest", "north-lines", "--yes")


@pytest.fixture
def together(file: Path, tmp_path: Path) -> Path:
    stack_file(tmp_path, "north", **GRID)
    stack_file(tmp_path, "north-lines", platform="north", **GRID)
    return file


def test_without_pulumi_nothing_is_changed(together: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert refused(*MOVE) == "pulumi is not on PATH, so nothing is changed; see `bluegrid doctor`"
    assert together.read_text() == TEXT


def test_a_stack_without_a_state_gets_nothing(
    together: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi_that("exit 1", tmp_path, monkeypatch)
    stack_file(tmp_path, "north", **GRID)
    assert refused(*MOVE) == ("the state of stack north cannot be read, or is empty: pulumi up --stack north")
    assert together.read_text() == TEXT


def test_objects_do_not_move_between_namespaces(together: Path, tmp_path: Path) -> None:
    stack_file(tmp_path, "north-lines")
    assert refused(*MOVE).startswith(
        "north-lines runs in namespace bluegrid of north-lines, and north in grid of grid, or their proxies"
    )
    assert together.read_text() == TEXT
