"""Rows of the result, from raw samples and `../goals.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.rows import OURS, Goals, Row, row, straight
from benchmarks.server.servers import Bare, BareOnnx, ByFramework, KServe, MLServer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.server.measure import Measured, Samples

PEERS = (MLServer.name, KServe.name)
_YARDS = {"peers": PEERS, "bare loop": (Bare.name,), "bare loop, ONNX Runtime": (BareOnnx.name,)}
_FOREST_YARDS = {"peers": PEERS, "bare loop": (BareOnnx.name,), "its framework": (ByFramework.name,)}


def rows_of(measured: Measured, goals: Goals) -> list[Row]:
    """Return every row, except for work that no server did."""
    rows = []
    for connections, rates in measured.rates.items():
        work = f"one model, {connections} connections"
        for yard, others in _YARDS.items():
            goal = goals.get(f"rate against {yard}")
            rows += _beside(f"{work}: against {yard}", "1/s", rates, others, goal, more=True)
        rows += _beside(f"{work}: p99", "ms", measured.p99s[connections], PEERS, goals.get("p99"))
    for count, taken in measured.all_models.items():
        # A peer's time is for one request for each model, ours for one request in all.
        work = f"all of {count:,} models"
        rows += _beside(f"{work}: against peers", "s", taken, PEERS, goals.get("all against peers"))
        rows += _alone(work, "s", taken, goals.get("all"))
        work, starts = f"{count:,} models: ", measured.starts[count]
        rows += _alone(
            f"{work}start to ready", "s", starts, goals.get(f"start of {count}", goals.get("start"))
        )
        goal = goals.get(f"start of {count} against peers")
        rows += _beside(f"{work}start against peers", "s", starts, PEERS, goal)
        rows += _beside(f"{work}memory", "MiB", measured.memory[count], PEERS, goals.get("memory"))
    for yard, others in _FOREST_YARDS.items():
        goal = goals.get(f"forest against {yard}")
        rows += _beside(f"one forest: against {yard}", "1/s", measured.forest, others, goal, more=True)
    for count, taken in measured.all_forests.items():
        rows += _alone(f"all of {count:,} forests", "s", taken, goals.get("all forests"))
    goal = goals.get("neighbours against bare loop")
    work = "one model of nearest neighbours: against bare loop"
    rows += _beside(work, "1/s", measured.neighbours, (Bare.name,), goal, more=True)
    for count, starts in measured.forest_starts.items():
        work, goal = f"{count:,} forests: ", goals.get(f"start of {count} forests")
        rows += _alone(f"{work}start to ready", "s", starts, goal)
        rows += _beside(f"{work}start against peers", "s", starts, PEERS, None)
        memory = measured.forest_memory[count]
        rows += _beside(f"{work}memory", "MiB", memory, PEERS, goals.get("memory"))
    for count, seconds in measured.backs.items():
        work = f"{count:,} models: killed under load, until ready again"
        rows.append(row(work, "s", {OURS: seconds}, goals.get(f"back with {count}")))
    if measured.growth_p50:
        rows += _growth(measured.growth_p50, measured.growth_mib, goals)
    if measured.client_busy:
        busy = {OURS: [max(measured.client_busy)]}
        rows.append(row("the client that asks, at its busiest", "of a core", busy, goals.get("client")))
    return rows


def _beside(
    work: str,
    unit: str,
    samples: Samples,
    others: tuple[str, ...],
    goal: dict[str, float] | None,
    *,
    more: bool = False,
) -> list[Row]:
    present = [name for name in others if samples.get(name)]
    if not samples.get(OURS) or not present:
        return []
    compared = {OURS: samples[OURS], **{name: samples[name] for name in present}}
    return [row(work, unit, compared, goal, present, more_is_better=more)]


def _alone(work: str, unit: str, samples: Samples, goal: dict[str, float] | None) -> list[Row]:
    return [row(work, unit, {OURS: samples[OURS]}, goal)] if samples.get(OURS) else []


def _growth(p50: Mapping[int, list[float]], mib: Mapping[int, list[float]], goals: Goals) -> list[Row]:
    least, most = min(p50), max(p50)
    between = f"{least:,} to {most:,} models"
    slower = {OURS: p50[most], f"{least:,} models": p50[least]}
    return [
        *(row(f"{count:,} models: one request", "us", {OURS: each}, None) for count, each in p50.items()),
        *(row(f"{count:,} models: memory held", "MiB", {OURS: each}, None) for count, each in mib.items()),
        row(
            f"{between}: latency with the most, against the least",
            "us",
            slower,
            goals.get("growth latency"),
            [f"{least:,} models"],
        ),
        straight(f"{between}: memory", mib, goals.get("straight")),
    ]
