from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.one_service.divided import Divided
from benchmarks.one_service.measure import Size
from benchmarks.one_service.report import write_report
from benchmarks.one_service.verdicts import of_divided, of_growth, of_size
from benchmarks.rows import goals_of
from benchmarks.stack.switches import Switched

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.rows import Row

GOALS = goals_of("one-service")


def measured(services: int, switch: float, preview: float = 1.0, failed: int = 0) -> Size:
    return Size(services, Switched([switch], 100, failed), Switched([55.0], 100), [preview], [87.0])


def verdicts(rows: list[Row]) -> dict[str, bool | None]:
    return {row.work: row.holds for row in rows}


def test_a_switch_among_500_has_a_goal_of_seconds_and_one_against_the_build_before() -> None:
    found = verdicts(of_size(measured(500, switch=5.9), GOALS))
    assert found["switch among 500 services"]
    assert found["switch among 500 services against the build before"] is False
    found = verdicts(of_size(measured(500, switch=6.1), GOALS))
    assert found["switch among 500 services"] is False
    assert verdicts(of_size(measured(500, switch=5.4), GOALS))[
        "switch among 500 services against the build before"
    ]


def test_a_preview_of_one_service_among_500_has_a_goal_of_seconds() -> None:
    for seconds, holds in ((4.9, True), (5.1, False)):
        found = verdicts(of_size(measured(500, switch=1.0, preview=seconds), GOALS))
        assert found["preview among 500 services"] is holds


def test_a_failed_request_misses_the_goal() -> None:
    found = verdicts(of_size(measured(10, switch=1.0, failed=1), GOALS))
    assert found["switch among 10 services: failed of 100"] is False


def test_what_one_service_costs_may_not_grow_with_the_others() -> None:
    sizes = [measured(10, 3.0, 1.0), measured(500, 4.4, 2.0), measured(2000, 8.9, 3.9)]
    assert verdicts(of_growth(sizes, GOALS)) == {
        "switch, 500 services against 10": True,
        "switch, 2000 services against 500": False,
        "preview, 500 services against 10": None,
        "preview, 2000 services against 500": True,
    }


def test_services_in_several_stacks_have_goals_of_their_own() -> None:
    divided = Divided(500, 20, Switched([3.1], 100, 0), previewed=[5.2], whole=[59.0])
    assert verdicts(of_divided(divided, measured(10, 2.0, 1.0), GOALS)) == {
        "switch among 500 services in 20 stacks": True,
        "switch among 500 services in 20 stacks: failed of 100": True,
        "preview among 500 services in 20 stacks": False,
        "whole preview of 500 services in 20 stacks": True,
        "switch, 500 services in 20 stacks against 10": False,
        "preview, 500 services in 20 stacks against 10": None,
    }
    many = Divided(2000, 80, Switched([3.1], 100, 0), previewed=[4.8], whole=[])
    assert verdicts(of_divided(many, measured(10, 2.0, 1.0), GOALS)) == {
        "switch among 2000 services in 80 stacks": True,
        "switch among 2000 services in 80 stacks: failed of 100": True,
        "preview among 2000 services in 80 stacks": True,
        "switch, 2000 services in 80 stacks against 10": True,
        "preview, 2000 services in 80 stacks against 10": None,
    }


def test_the_page_has_every_row(tmp_path: Path) -> None:
    rows = of_size(measured(10, 1.0), GOALS)
    result = {
        "date": "",
        "machine": "",
        "minutes": 1,
        "versions": {},
        "rows": [row.to_json() for row in rows],
    }
    text = write_report(result, tmp_path).read_text()
    assert all(f"| {row.work} |" in text for row in rows)
