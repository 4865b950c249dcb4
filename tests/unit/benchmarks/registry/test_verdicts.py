"""Rows of the registry's benchmark: each has the goal of what it measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.registry.measure import Used
from benchmarks.registry.report import write_report
from benchmarks.registry.verdicts import of_commits, of_growth, of_size
from benchmarks.rows import goals_of

if TYPE_CHECKING:
    from pathlib import Path

GOALS = goals_of("registry")


def used(*seconds: float) -> list[Used]:
    return [Used(each, 50) for each in seconds]


def test_a_command_has_the_goal_of_its_kind_and_of_the_registry() -> None:
    checked, memory = of_size("`check`", 500, 100, used(1.4, 1.6, 1.5), GOALS)
    assert (checked.ours, checked.goal, checked.holds) == (1.5, {"at_most": 1.5}, True)
    assert (memory.ours, memory.unit, memory.goal) == (50, "MiB", None)
    edited, _ = of_size("`switch`", 500, 100, used(1.1), GOALS)
    assert (edited.goal, edited.holds) == ({"at_most": 1}, False)
    largest, _ = of_size("`check`", 2_000, 365, used(10), GOALS)
    assert (largest.goal, largest.holds) == ({"under": 10}, False)
    assert of_size("`check`", 10, 100, used(9), GOALS)[0].goal is None


def test_a_history_grows_by_the_medians_of_its_ends() -> None:
    grown = of_growth("`history`", {365: used(1, 1, 9), 1_825: used(9), 3_650: used(2, 2.1, 2.2)}, GOALS)
    assert (grown.work, grown.ours, grown.holds) == ("`history`, 365 to 3,650 commits", 2.1, False)


def test_the_page_has_goals_figures_and_memory(tmp_path: Path) -> None:
    rows = [
        *of_size("`check`", 500, 100, used(0.5), GOALS),
        of_commits("`history`", 365, used(0.25)),
        of_growth("`history`", {365: used(0.25), 3_650: used(0.5)}, GOALS),
    ]
    result = {
        "versions": {"bluegrid": "1234567"},
        "date": "2026-11-29",
        "machine": "a machine",
        "minutes": 1,
        "rows": [row.to_json() for row in rows],
    }
    text = write_report(result, tmp_path).read_text()
    assert text.count("| `check`, 500 sets of 100 versions | 0.5 | s of CPU | at most 1.5 | yes |") == 2
    assert "| `check`, 500 sets of 100 versions: memory | 50 | MiB |  |  |" in text
    assert "| `history`, 365 to 3,650 commits | 2 | times | at most 2 | yes |" in text
