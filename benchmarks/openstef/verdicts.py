"""Rows of the result, from raw samples and `../goals.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.openstef.measure import THEIRS
from benchmarks.openstef.places import ON_SERVERS
from benchmarks.openstef.plan import NO_PLOTS
from benchmarks.rows import OURS, Row, row

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.openstef.measure import Measured, Night, OfKind, Run, Traffic
    from benchmarks.rows import Goal, Goals

MB = 1_000_000


def rows_of(measured: Measured, targets: int, goals: Goals) -> list[Row]:
    """Return every row.

    Args:
        measured: the samples.
        targets: of the run on servers, and of pods.
        goals: by name.
    """
    # Elsewhere there are fewer targets, for MLflow's sake, than the goals are for.
    elsewhere = {"different": goals["different"]}
    goals_at = {place: goals if place == ON_SERVERS else elsewhere for place in measured.runs}
    rows = [each for place, run in measured.runs.items() for each in _of_run(place, run, goals_at[place])]
    work = f"forecast run over {targets:,} targets {ON_SERVERS}"
    rows += _of_traffic(work, measured.run_traffic, goals.get("requests"), None)
    for place, night in measured.nights.items():
        rows += _of_night(place, night, goals_at[place])
    for files, traffic in measured.night_traffic.items():
        work = _work_of(measured.nights[ON_SERVERS], ON_SERVERS, files)
        rows += _of_traffic(work, traffic, None, goals.get("bytes of a night"))
    return rows + [each for kind, found in measured.kinds.items() for each in _of_kind(kind, targets, found)]


def _of_run(place: str, run: Run, goals: Goals) -> Iterable[Row]:
    work = f"forecast run over {run.targets:,} targets {place}"
    stored = {
        side: [all_of - part for all_of, part in zip(seconds, run.loading[side], strict=True)]
        for side, seconds in run.seconds.items()
    }
    yield row(f"{work}: storage and loading", "s", run.seconds, goals.get("storage and loading"), [THEIRS])
    as_data = {OURS: run.as_data, THEIRS: run.seconds[THEIRS]}
    yield row(
        f"{work}, as data: storage and loading", "s", as_data, goals.get("storage and loading"), [THEIRS]
    )
    yield row(f"{work}: storage alone", "s", stored, None, [THEIRS])
    yield row(f"{work}: loading alone", "s", run.loading, None, [THEIRS])
    name, goal = f"{work}: different of {run.compared:,} compared", goals.get("different")
    yield row(name, "forecasts", {OURS: [run.different]}, goal)


def _of_night(place: str, night: Night, goals: Goals) -> Iterable[Row]:
    for files, seconds in night.seconds.items():
        # MLflow's storage cannot leave out the data.
        both = {THEIRS: night.seconds[NO_PLOTS][THEIRS], **seconds}
        yield row(_work_of(night, place, files), "s", both, goals.get("seconds of a night"), [THEIRS])
    work = f"pushing {night.models:,} changed models {place}, without what is done after each fit"
    yield row(work, "s", {OURS: night.push_seconds}, None)


def _work_of(night: Night, place: str, files: str) -> str:
    return f"publishing {night.models:,} changed models {place}, {files}"


def _of_traffic(work: str, traffic: Traffic, requests: Goal | None, size: Goal | None) -> Iterable[Row]:
    counted = {side: [float(each)] for side, each in traffic.requests.items()}
    moved = {side: [each / MB] for side, each in traffic.bytes.items()}
    yield row(f"{work}: requests", "requests", counted, requests, [THEIRS])
    yield row(f"{work}: bytes", "MB", moved, size, [THEIRS])


def _of_kind(kind: str, targets: int, found: OfKind) -> Iterable[Row]:
    work = f"pod of {targets:,} {kind} pipelines"
    for name, unit, values in (
        ("start to ready", "s", [each.start_seconds for each in found.pods]),
        ("start to ready, CPU", "s of CPU", [each.cpu_seconds for each in found.pods]),
        ("memory", "MiB", [each.mib for each in found.pods]),
        ("in the store", "MB", [found.stored_bytes / MB]),
    ):
        yield row(f"{work}: {name}", unit, {OURS: values}, None)
    milliseconds = [1_000 * each for each in found.forecasts]
    yield row(f"a forecast by {kind}", "ms of CPU", {OURS: milliseconds}, None)
    for library, share in found.shares.items():
        if share:
            yield row(f"a forecast by {kind}: within {library}", "% of its time", {OURS: [100 * share]}, None)
