"""Rows of the result, from raw samples and `../goals.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.rows import OURS, Goals, Row, row, straight
from benchmarks.server.servers import Accelerated, Bare, BareOnnx, KServe, MLServer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.server.measure import Measured, Samples

_PLAIN = f"{OURS}, not accelerated"
PEERS = (MLServer.name, KServe.name)
_VARIANTS = {"": (OURS, Bare.name), ", accelerated": (Accelerated.name, BareOnnx.name)}
"""Each variant of our server: its name, and the bare loop for comparison."""


def rows_of(measured: Measured, goals: Goals) -> list[Row]:
    """Return every row, except for work that no server did."""
    rows = []
    for variant, (ours, bare) in _VARIANTS.items():
        for connections, rates in measured.rates.items():
            work = f"one model{variant}, {connections} connections"
            for yard, others in (("peers", PEERS), ("bare loop", (bare,))):
                goal = goals.get(f"rate{variant} against {yard}")
                rows += _beside(f"{work}: against {yard}", "1/s", rates, ours, others, goal, more=True)
            p99s = measured.p99s[connections]
            rows += _beside(f"{work}: p99", "ms", p99s, ours, PEERS, goals.get("p99"))
        for count, taken in measured.all_models.items():
            # A peer's time is for one request for each model, ours for one request in all.
            work = f"all of {count:,} models{variant}"
            rows += _beside(f"{work}: against peers", "s", taken, ours, PEERS, goals.get("all against peers"))
            rows += _alone(work, "s", taken, ours, goals.get("all"))
            work, starts = f"{count:,} models{variant}: ", measured.starts[count]
            goal = goals.get(f"start of {count}", goals.get("start"))
            rows += _alone(f"{work}start to ready", "s", starts, ours, goal)
            goal = goals.get(f"start of {count} against peers")
            rows += _beside(f"{work}start against peers", "s", starts, ours, PEERS, goal)
            rows += _beside(f"{work}memory", "MiB", measured.memory[count], ours, PEERS, goals.get("memory"))
    rows += _forest(measured.forests, goals)
    for count, starts in measured.forest_starts.items():
        work, goal = f"{count:,} forests: ", goals.get(f"start of {count} forests")
        rows += _alone(f"{work}start to ready", "s", starts, OURS, goal)
        rows += _beside(f"{work}start against peers", "s", starts, OURS, PEERS, None)
        memory = measured.forest_memory[count]
        rows += _beside(f"{work}memory", "MiB", memory, OURS, PEERS, goals.get("memory"))
    for count, seconds in measured.backs.items():
        work = f"{count:,} models: killed under load, until ready again"
        rows.append(row(work, "s", {OURS: seconds}, goals.get(f"back with {count}")))
    if measured.growth_p50:
        rows += _growth(measured.growth_p50, measured.growth_mib, goals)
    if measured.client_busy:
        busy = {OURS: [max(measured.client_busy)]}
        rows.append(row("the client that asks, at its busiest", "of a core", busy, goals.get("client")))
    return rows


def _forest(rates: Samples, goals: Goals) -> list[Row]:
    rows = []
    samples = {**rates, _PLAIN: rates.get(OURS, [])}
    for yard, others in (("peers", PEERS), ("bare loop", (BareOnnx.name,)), ("itself", (_PLAIN,))):
        goal = goals.get(f"rate, accelerated against {yard}")
        work = f"one forest, accelerated: against {yard}"
        rows += _beside(work, "1/s", samples, Accelerated.name, others, goal, more=True)
    return rows


def _beside(
    work: str,
    unit: str,
    samples: Samples,
    ours: str,
    others: tuple[str, ...],
    goal: dict[str, float] | None,
    *,
    more: bool = False,
) -> list[Row]:
    present = [name for name in others if samples.get(name)]
    if not samples.get(ours) or not present:
        return []
    compared = {OURS: samples[ours], **{name: samples[name] for name in present}}
    return [row(work, unit, compared, goal, present, more_is_better=more)]


def _alone(work: str, unit: str, samples: Samples, ours: str, goal: dict[str, float] | None) -> list[Row]:
    return [row(work, unit, {OURS: samples[ours]}, goal)] if samples.get(ours) else []


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
