from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.openstef.measure import THEIRS, Measured, Night, OfKind, Run, Traffic
from benchmarks.openstef.pods import Pod
from benchmarks.openstef.report import write_report
from benchmarks.openstef.verdicts import rows_of
from benchmarks.rows import OURS, goals_of

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.rows import Row


def measured(
    *,
    theirs: float = 50.0,
    requests: int = 5_000,
    different: int = 0,
    megabytes: float = 51.0,
    files: float = 0.7,
) -> Measured:
    run = Run(1_000, {OURS: [4.0], THEIRS: [theirs]}, {OURS: [3.0], THEIRS: [2.0]}, [0.5], 96, different)
    night = Night(
        100,
        {
            "with plots": {OURS: [5.0], THEIRS: [20.0]},
            "without plots": {OURS: [1.0], THEIRS: [11.0]},
            "without data and plots": {OURS: [files]},
        },
        [0.5],
    )
    return Measured(
        {"on servers": run},
        {"on servers": night},
        Traffic({OURS: 10, THEIRS: requests}, {OURS: 35_000_000, THEIRS: 40_000_000}),
        {
            "with plots": Traffic({OURS: 5, THEIRS: 1_000}, {OURS: 5_000_000, THEIRS: 500_000_000}),
            "without plots": Traffic(
                {OURS: 5, THEIRS: 900}, {OURS: 5_000_000, THEIRS: round(megabytes * 1e6)}
            ),
        },
        {
            "gblinear": OfKind(
                35_000_000, [Pod(9.0, 15.0, 500.0, 2.0)], [0.1], {"pandas": 0.8, "xgboost": 0.0}
            )
        },
    )


def rows(found: Measured) -> dict[str, Row]:
    return {each.work: each for each in rows_of(found, 1_000, goals_of("openstef"))}


def test_storage_and_loading_are_judged_together() -> None:
    work = "forecast run over 1,000 targets on servers: storage and loading"
    assert rows(measured(theirs=41.0))[work].holds
    assert rows(measured(theirs=39.0))[work].holds is False


def test_storage_alone_is_what_is_not_loading() -> None:
    found = rows(measured())["forecast run over 1,000 targets on servers: storage alone"]
    assert (found.ours, found.peer, found.holds) == (1.0, 48.0, None)


def test_a_hundred_times_fewer_requests_is_the_goal() -> None:
    work = "forecast run over 1,000 targets on servers: requests"
    assert rows(measured(requests=1_000))[work].holds
    assert rows(measured(requests=990))[work].holds is False


def test_one_forecast_that_differs_misses_the_goal() -> None:
    work = "forecast run over 1,000 targets on servers: different of 96 compared"
    assert rows(measured())[work].holds
    assert rows(measured(different=1))[work].holds is False


def test_a_night_is_judged_with_plots_and_without() -> None:
    found, work = rows(measured(megabytes=49.0)), "publishing 100 changed models on servers"
    assert found[f"{work}, with plots"].holds is False
    assert found[f"{work}, without plots"].holds
    assert found[f"{work}, with plots: bytes"].holds
    assert found[f"{work}, without plots: bytes"].holds is False


def test_a_night_without_data_and_plots_is_judged_against_mlflow_without_plots() -> None:
    work = "publishing 100 changed models on servers, without data and plots"
    assert rows(measured(files=1.09))[work].holds
    assert rows(measured(files=1.11))[work].holds is False


def test_fewer_targets_in_folders_have_no_goals() -> None:
    found = measured()
    found.runs["in folders"], found.nights["in folders"] = (
        found.runs["on servers"],
        found.nights["on servers"],
    )
    of_folders = {work: each.holds for work, each in rows(found).items() if "in folders" in work}
    assert [work for work, holds in of_folders.items() if holds is not None] == [
        "forecast run over 1,000 targets in folders: different of 96 compared"
    ]


def test_a_library_that_takes_no_time_has_no_row() -> None:
    found = rows(measured())
    assert found["a forecast by gblinear: within pandas"].ours == 80.0
    assert "a forecast by gblinear: within xgboost" not in found


def test_the_page_has_every_row(tmp_path: Path) -> None:
    found = rows_of(measured(), 1_000, goals_of("openstef"))
    result = {
        "date": "",
        "machine": "",
        "files": "",
        "minutes": 1,
        "versions": {},
        "trained": "32 gblinear",
        "rows": [row.to_json() for row in found],
    }
    text = write_report(result, tmp_path).read_text()
    assert all(f"| {row.work} |" in text for row in found)
    assert "32 gblinear are trained" in text
