from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.rows import goals_of
from benchmarks.stack.growth import Size
from benchmarks.stack.report import write_report
from benchmarks.stack.switches import Switched
from benchmarks.stack.verdicts import of_comparison, of_growth, of_size

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.rows import Row

GOALS = goals_of("stack")


def measured(services: int, ours: float, floor: float, switch: float = 0.0) -> Size:
    size = Size(services, objects=9 * services, created=1.0)
    for work in ("preview", "no-change up"):
        size.ours[work], size.floor[work] = [ours], [floor]
    size.switched["up"] = Switched([switch], sent=100)
    return size


def of(rows: list[Row], work: str) -> Row:
    return next(row for row in rows if row.work == work)


def test_half_as_much_again_as_the_floor_is_the_most_that_holds() -> None:
    assert of(of_size(measured(50, 14.9, 10.0), GOALS), "preview, 50 services").holds
    assert of(of_size(measured(50, 15.1, 10.0), GOALS), "preview, 50 services").holds is False


def test_a_switch_among_500_is_compared_with_an_update_that_changes_nothing() -> None:
    work = "one switch among 500 services, `up`: beyond a no-change up"
    assert of(of_size(measured(500, 20.0, 20.0, switch=24.9), GOALS), work).holds
    assert of(of_size(measured(500, 20.0, 20.0, switch=25.1), GOALS), work).holds is False


def test_a_failed_request_of_a_switch_misses_the_goal() -> None:
    size = measured(50, 1.0, 1.0)
    size.switched["up"].failed = 1
    assert of(of_size(size, GOALS), "one switch among 50 services, `up`: failed of 100").holds is False


def test_one_request_more_than_argos_is_one_too_many() -> None:
    theirs = Switched([1.0], sent=100, failed=2)
    for failed, holds in ((2, True), (3, False)):
        rows = of_comparison("switch", Switched([2.0], 100, failed), theirs, GOALS)
        assert of(rows, "switch: failed of 100, and of 100").holds is holds


def test_lines_that_bend_with_the_number_of_services_miss_the_goal() -> None:
    straight = of_growth([measured(count, count / 10, 1.0) for count in (10, 50, 100, 200, 500)], GOALS)
    bent = of_growth([measured(count, count**3 / 1e3, 1.0) for count in (10, 50, 100, 200, 500)], GOALS)
    work = "preview, 10 to 500 services, off a straight line"
    assert of(straight, work).holds
    assert of(bent, work).holds is False


def test_the_page_has_every_row(tmp_path: Path) -> None:
    rows = [row for count in (10, 50) for row in of_size(measured(count, 1.0, 1.0), GOALS)]
    result = {
        "date": "",
        "machine": "",
        "minutes": 1,
        "versions": {},
        "rows": [row.to_json() for row in rows],
    }
    page = write_report(result, tmp_path).read_text()
    assert all(f"| {row.work} |" in page for row in rows)
