from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from benchmarks import rows
from benchmarks.transfer import verdicts
from benchmarks.transfer.cells import Cell, keeping_up
from benchmarks.transfer.clients import OneObject
from benchmarks.transfer.growth import Point
from benchmarks.transfer.ours import Ours
from benchmarks.transfer.plan import FULL, Kind
from benchmarks.transfer.report import write_report
from benchmarks.transfer.server import CHECKOUT
from benchmarks.transfer.update import Update

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.rows import Goals


@pytest.fixture
def goals() -> Goals:
    loaded: Goals = YAML(typ="safe").load(CHECKOUT / "benchmarks" / "goals.yaml")["transfer"]
    return loaded


def cell(ours: list[float], one: float = 1, **peers: list[float]) -> Cell:
    samples = {Ours.name: ours, **peers, OneObject.name: [one]}
    return Cell("push", Kind(20_000, 500), "500 x 20 KB", 0.01, samples)


def test_the_median_of_all_samples_is_judged_not_the_best(goals: Goals) -> None:
    lucky = verdicts.of_cell(cell([0.1, 1.1, 1.2], slow=[3.0, 3.0, 9.0]), goals)[0]
    assert (lucky.ours, lucky.peer, lucky.holds) == (1.1, 3.0, False)
    assert lucky.ratio == pytest.approx(2.727)


def test_the_goal_is_against_the_fastest_peer(goals: Goals) -> None:
    row = verdicts.of_cell(cell([1.0], slow=[90.0], fast=[2.9]), goals)[0]
    assert (row.peer_name, row.goal, row.holds) == ("fast", {"at_least": 3}, False)
    assert verdicts.of_cell(cell([1.0], slow=[90.0], fast=[3.0]), goals)[0].holds is True


def test_the_yardstick_is_no_peer_and_has_a_row_of_its_own(goals: Goals) -> None:
    row, yardstick = verdicts.of_cell(cell([1.0], one=0.4, fast=[3.0]), goals)
    assert row.peer_name == "fast"
    assert (yardstick.peer_name, yardstick.ratio, yardstick.holds) == (OneObject.name, 0.4, False)


def test_every_raw_sample_is_in_the_row(goals: Goals) -> None:
    row = verdicts.of_cell(cell([1.0, 2.0, 3.0], fast=[3.0]), goals)[0]
    assert row.samples == {Ours.name: [1.0, 2.0, 3.0], "fast": [3.0], OneObject.name: [1.0]}


def test_a_figure_is_rounded_only_after_it_was_judged() -> None:
    row = rows.row("w", "s", {Ours.name: [1.0], "p": [2.99999]}, {"at_least": 3}, ["p"])
    assert (row.ratio, row.holds) == (3.0, False)


@pytest.mark.parametrize(
    ("goal", "value", "verdict"),
    [
        (None, 1.0, None),
        ({"at_least": 3}, 3.0, True),
        ({"at_least": 3}, 2.9, False),
        ({"at_most": 3}, 3.0, True),
        ({"at_most": 3}, 3.1, False),
        ({"under": 5}, 4.0, True),
        ({"under": 5}, 5.0, False),
    ],
)
def test_a_goal_is_a_limit(goal: rows.Goal | None, value: float, verdict: bool | None) -> None:
    assert rows.holds(goal, value) is verdict


def test_a_goal_of_a_kind_that_nobody_judges_is_refused() -> None:
    with pytest.raises(ValueError, match="at_lest"):
        rows.holds({"at_lest": 3}, 1.0)


def test_every_goal_is_judged_by_some_row_of_the_full_run(goals: Goals) -> None:
    asked: set[str] = set()

    class Asked(dict[str, rows.Goal]):
        def get(self, name: str, default: object = None) -> rows.Goal | None:  # type: ignore[override]
            asked.add(name)
            return goals.get(name)

    for work in ("push", "fetch into memory", "fetch into files"):
        for kind in FULL.kinds:
            verdicts.of_cell(
                Cell(work, kind, "", 0, {Ours.name: [1.0], "p": [1.0], OneObject.name: [1.0]}), Asked()
            )
    verdicts.of_proxy([cell([1.0])], Asked())
    verdicts.of_update(UPDATE, Asked())
    verdicts.of_growth(growing(lambda count: count), Asked())
    assert asked >= goals.keys()


UPDATE = Update("3,207 x 20 KB", [4, 5, 4], [600_000, 600_001, 700_000], [0.22, 0.21, 0.3], 64_000_000, 2.0)


def test_an_update_is_judged_by_what_went_over_the_wire(goals: Goals) -> None:
    trips, requests, share, _ = verdicts.of_update(UPDATE, goals)
    assert trips.ours == pytest.approx(4.4)
    assert trips.holds is True
    assert (requests.ours, requests.holds) == (4, None)
    assert share.ours == pytest.approx(0.009375, abs=1e-5)
    assert share.holds is True


def growing(seconds: object) -> list[Point]:
    return [Point("push", count, 2_000, [seconds(count)] * 3, [100.0] * 3) for count in (1, 10, 100)]  # type: ignore[operator]


def test_a_straight_line_has_no_residual_and_a_curve_has_one() -> None:
    assert rows.residual({1: 3.0, 10: 21.0, 100: 201.0}) == pytest.approx(0)
    assert rows.residual({0: 0.0, 50: 25.0, 100: 100.0}) == pytest.approx(1 / 6, abs=0.01)


def test_time_that_grows_with_the_square_misses_the_goal(goals: Goals) -> None:
    def of_time(points: list[Point]) -> bool | None:
        return next(row for row in verdicts.of_growth(points, goals) if ": time, off" in row.work).holds

    counts = (1_000, 3_000, 10_000, 30_000, 100_000)
    assert of_time([Point("push", each, 2_000, [1 + each / 1e4], [1.0]) for each in counts]) is True
    assert of_time([Point("push", each, 2_000, [(each / 1e4) ** 2], [1.0]) for each in counts]) is False


def test_memory_may_grow_with_the_largest_model_alone(goals: Goals) -> None:
    large = Point("push", 6, 128_000_000, [1.0], [540.0])
    small = Point("push", 100_000, 2_000, [1.0], [540.0])
    rows = verdicts.of_growth([*growing(lambda count: count), large, small], goals)
    verdict = {row.work: row.holds for row in rows}
    assert verdict["push 6 x 128 MB: peak memory"] is True
    assert verdict["push 100,000 x 2 KB: peak memory"] is False


def test_a_peer_that_was_left_behind_is_not_asked_for_more() -> None:
    before = cell([0.1], one=0.1, slow=[9.1], fast=[3.0], near=[8.9])
    assert keeping_up([before], Kind(20_000, 3_207), "push", 0.01) == {"fast", "near"}


def test_the_page_says_what_was_missed_and_its_plots_are_small(tmp_path: Path, goals: Goals) -> None:
    pytest.importorskip("matplotlib", reason="comes with the benchmark's own command")
    rows = [
        *verdicts.of_cell(cell([1.0, 1.2, 1.1], one=0.6, fast=[3.0, 3.1, 3.2]), goals),
        *verdicts.of_update(UPDATE, goals),
        *verdicts.of_growth(growing(lambda count: count), goals),
    ]
    result = {
        "machine": "m",
        "files": "in memory",
        "date": "2026-11-23",
        "minutes": 1,
        "versions": {"fast": "1"},
    }
    page = write_report(json.loads(json.dumps(result | {"rows": [row.to_json() for row in rows]})), tmp_path)
    text = page.read_text()
    assert re.search(r"\| push, 20 KB models: against the best peer \|.* missed in 1 of 1 \|", text)
    assert "1.1 (1-1.2)" in text
    assert {each.name for each in tmp_path.iterdir()} == {
        "transfer.md",
        *re.findall(r"\]\((.+?\.svg)\)", text),
    }
    assert max(each.stat().st_size for each in tmp_path.iterdir()) < 60_000
