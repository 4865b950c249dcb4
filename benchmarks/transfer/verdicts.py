"""Rows of the result: every figure and verdict is computed here, from raw samples and `../goals.yaml`.

A ratio says how many times as fast as the peer we are: the peer's median divided by ours.
"""

from __future__ import annotations

import operator
from dataclasses import asdict, dataclass
from statistics import linear_regression, median
from typing import TYPE_CHECKING, Any

from benchmarks.transfer.clients import OneObject
from benchmarks.transfer.ours import Ours
from benchmarks.transfer.payload import size_name
from benchmarks.transfer.update import RTT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from benchmarks.transfer.cells import Cell
    from benchmarks.transfer.growth import Point
    from benchmarks.transfer.update import Update

Goal = dict[str, float]
Goals = dict[str, Goal]
MIB = 2**20
_LIMITS: dict[str, Callable[[float, float], bool]] = {
    "at_least": operator.ge,
    "at_most": operator.le,
    "under": operator.lt,
}


@dataclass(frozen=True)
class Row:
    """One line of the result.

    Attributes:
        work: what was done.
        ours: median.
        peer: median of the best peer, or of the yardstick.
        ratio: how many times as fast as the peer; None without one.
        goal: what the ratio, or without a peer `ours`, has to be.
        holds: whether it is; None without a goal.
        samples: all that was measured, by tool.
    """

    work: str
    ours: float
    peer: float | None
    peer_name: str | None
    unit: str
    ratio: float | None
    goal: Goal | None
    holds: bool | None
    samples: Mapping[str, Sequence[Any]]

    def to_json(self) -> dict[str, Any]:
        """As in the result file."""
        return asdict(self)


def row(
    work: str,
    unit: str,
    samples: Mapping[str, Sequence[float]],
    goal: Goal | None,
    peers: Iterable[str] = (),
) -> Row:
    """A row from raw samples; against the fastest of `peers`."""
    ours = median(samples[Ours.name])
    medians = {name: median(samples[name]) for name in peers}
    best = min(medians, key=medians.__getitem__) if medians else None
    peer = medians[best] if best else None
    ratio = peer / ours if peer is not None else None
    return Row(
        work=work,
        ours=_rounded(ours),
        peer=None if peer is None else _rounded(peer),
        peer_name=best,
        unit=unit,
        ratio=None if ratio is None else _rounded(ratio),
        goal=goal,
        holds=holds(goal, ours if ratio is None else ratio),
        samples={name: [_rounded(each) for each in values] for name, values in samples.items()},
    )


def holds(goal: Goal | None, value: float) -> bool | None:
    """Whether a value is as the goal has it; None without one."""
    if goal is None:
        return None
    if unknown := goal.keys() - _LIMITS.keys():
        raise ValueError(f"goals.yaml: {min(unknown)} is no kind of limit; known: {', '.join(_LIMITS)}")
    return all(_LIMITS[kind](value, limit) for kind, limit in goal.items())


def of_cell(cell: Cell, goals: Goals) -> list[Row]:
    """Against the best peer, and against the same bytes as one object."""
    size = size_name(cell.kind.size) if cell.kind.size else "real"
    peers = [name for name in cell.samples if name not in (Ours.name, OneObject.name)]
    return [
        row(cell.name, "s", cell.samples, goals.get(f"{cell.work} {size}"), peers),
        row(
            f"{cell.name}: against one object",
            "s",
            {name: cell.samples[name] for name in (Ours.name, OneObject.name)},
            goals.get(f"{cell.work} against one object") if cell.kind.size else None,
            [OneObject.name],
        ),
    ]


def of_proxy(cells: Sequence[Cell], goals: Goals) -> list[Row]:
    """Whether what makes the way longer was itself what everybody waited for."""
    busy = [max(cell.proxy_busy for cell in cells)]
    work = "the proxy that makes the way longer, at its busiest"
    return [row(work, "of a core", {Ours.name: busy}, goals.get("proxy"))]


def of_update(update: Update, goals: Goals) -> list[Row]:
    """Of one changed model."""
    work = f"update of one model of {update.payload}"
    share = [each / update.full_bytes for each in update.bytes]
    # Requests go side by side. One after the other are at most as many as its time has room for.
    trips = [seconds / RTT for seconds in update.seconds]
    return [
        row(f"{work}: round trips", "round trips", {Ours.name: trips}, goals.get("update round trips")),
        row(f"{work}: requests", "requests", {Ours.name: update.requests}, None),
        row(f"{work}: bytes", "of a full push", {Ours.name: share}, goals.get("update bytes")),
        row(
            f"{work}: time, 50 ms",
            "s",
            {Ours.name: update.seconds, "bluegrid, full push": [update.full_seconds]},
            None,
            ["bluegrid, full push"],
        ),
    ]


def of_growth(points: Sequence[Point], goals: Goals) -> list[Row]:
    """Peaks of memory; then how straight the lines over the numbers of models are."""
    rows = [
        row(
            f"{point.name}: peak memory",
            "MiB",
            {Ours.name: point.peak_mib},
            _memory_goal(goals, point.size),
        )
        for point in points
    ]
    small = min(point.size for point in points)
    for work in sorted({point.work for point in points}):
        line = sorted((each for each in points if (each.work, each.size) == (work, small)), key=_count)
        name = f"{work} {_count(line[0]):,} to {_count(line[-1]):,} x {size_name(small)}"
        rows.append(
            _straight(f"{name}: time", {point.count: point.seconds for point in line}, goals.get("straight"))
        )
        rows.append(
            _straight(
                f"{name}: peak memory", {point.count: point.peak_mib for point in line}, goals.get("straight")
            )
        )
    return rows


def residual(values: Mapping[int, float]) -> float:
    """The largest distance from the straight line that fits best, as a share of the largest value."""
    slope, intercept = linear_regression(list(values), list(values.values()))
    return max(abs(y - intercept - slope * x) for x, y in values.items()) / max(values.values())


def _straight(work: str, samples: Mapping[int, Sequence[float]], goal: Goal | None) -> Row:
    medians = {count: median(each) for count, each in samples.items()}
    off = residual(medians)
    return Row(
        work=f"{work}, off a straight line",
        ours=_rounded(off),
        peer=None,
        peer_name=None,
        unit="of the largest",
        ratio=None,
        goal=goal,
        holds=holds(goal, off),
        samples={f"{count:,}": [_rounded(each) for each in values] for count, values in samples.items()},
    )


def _memory_goal(goals: Goals, size: int) -> Goal | None:
    goal = goals.get("peak memory")
    if goal is None:
        return None
    return {"under": round(goal["under_mib"] + goal["times_largest"] * size / MIB, 1)}


def _count(point: Point) -> int:
    return point.count


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
