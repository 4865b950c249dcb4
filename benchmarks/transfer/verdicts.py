"""Rows of the result, from raw samples and `../goals.yaml`.

A ratio says how many times as fast bluegrid is as the peer: the peer's median divided by ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.rows import Goal, Goals, Row, row, straight
from benchmarks.transfer.clients import OneObject
from benchmarks.transfer.ours import Ours
from benchmarks.transfer.payload import size_name
from benchmarks.transfer.update import RTT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.transfer.cells import Cell
    from benchmarks.transfer.growth import Point
    from benchmarks.transfer.update import Update

MIB = 2**20


def of_cell(cell: Cell, goals: Goals) -> list[Row]:
    """Return the rows of a cell: against the best peer, and against the same bytes as one object."""
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
    """Return a row for the proxy's load: with a busy proxy, the benchmark would measure the proxy."""
    busy = [max(cell.proxy_busy for cell in cells)]
    work = "the proxy that makes the way longer, at its busiest"
    return [row(work, "of a core", {Ours.name: busy}, goals.get("proxy"))]


def of_update(update: Update, goals: Goals) -> list[Row]:
    """Return the rows of one changed model."""
    work = f"update of one model of {update.payload}"
    share = [each / update.full_bytes for each in update.bytes]
    # Requests run side by side; the time of the update bounds how many can run one after the other.
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
    """Return rows for peak memory, then for the straightness of the lines over the numbers of models."""
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
            straight(f"{name}: time", {point.count: point.seconds for point in line}, goals.get("straight"))
        )
        rows.append(
            straight(
                f"{name}: peak memory", {point.count: point.peak_mib for point in line}, goals.get("straight")
            )
        )
    return rows


def _memory_goal(goals: Goals, size: int) -> Goal | None:
    goal = goals.get("peak memory")
    if goal is None:
        return None
    return {"under": round(goal["under_mib"] + goal["times_largest"] * size / MIB, 1)}


def _count(point: Point) -> int:
    return point.count
