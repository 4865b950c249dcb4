"""Rows of the result, from raw samples and `../goals.yaml`."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.rows import OURS, Row, row, straight
from benchmarks.stack.growth import WORKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.rows import Goals
    from benchmarks.stack.growth import Size
    from benchmarks.stack.switches import Switched

FLOOR = "flat loop"
ARGO = "Argo Rollouts"
LAST_ANSWER = "s to the last answer of the old version"


def of_size(size: Size, goals: Goals) -> list[Row]:
    """Return rows for one size: our program against the floor, and the switches of one service."""
    among = f"{size.services} services"
    rows = [
        row(
            f"{work}, {among}",
            "s",
            {OURS: size.ours[work], FLOOR: size.floor[work]},
            goals["against the floor"],
            [FLOOR],
        )
        for work in WORKS
    ]
    rows.append(row(f"objects, {among}", "objects", {OURS: [size.objects]}, None))
    rows.append(row(f"creating what is new, {among}", "s", {OURS: [size.created]}, None))
    rows.append(
        row(
            f"seconds of a preview, {among}", "s", {OURS: size.ours["preview"]}, goals.get(f"preview {among}")
        )
    )
    for command, switched in size.switched.items():
        work = f"one switch among {among}, `{command}`"
        limit = goals.get(f"switch among {among}")
        rows.append(row(work, LAST_ANSWER, {OURS: switched.seconds}, limit))
        beyond = [each - median(size.ours["no-change up"]) for each in switched.seconds]
        limit = goals.get(f"switch among {among}, beyond a no-change up")
        rows.append(row(f"{work}: beyond a no-change up", "s", {OURS: beyond}, limit))
        rows.append(failed(work, switched, goals))
    return rows


def of_growth(sizes: Sequence[Size], goals: Goals) -> list[Row]:
    """Return rows for the straightness of our lines and the floor's over the numbers of services."""
    span = f"{sizes[0].services} to {sizes[-1].services} services"
    rows = []
    for work in WORKS:
        ours = {size.services: size.ours[work] for size in sizes}
        floor = {size.services: size.floor[work] for size in sizes}
        rows.append(straight(f"{work}, {span}", ours, goals["straight"]))
        rows.append(straight(f"{work} of the {FLOOR}, {span}", floor, None))
    return rows


def of_comparison(work: str, ours: Switched, argo: Switched, goals: Goals) -> list[Row]:
    """Return rows for one kind of switch: failed requests, at most as many as with Argo, and both times."""
    limit = goals["failed, more than Argo Rollouts"]["at_most"] + argo.failed
    name = f"{work}: failed of {ours.sent:,}, and of {argo.sent:,}"
    of_ours = row(name, "requests", {OURS: [ours.failed]}, {"at_most": limit})
    theirs: Mapping[str, list[float]] = {ARGO: [argo.failed]}
    return [
        replace(of_ours, peer=argo.failed, peer_name=ARGO, samples={**of_ours.samples, **theirs}),
        row(work, LAST_ANSWER, {OURS: ours.seconds, ARGO: argo.seconds}, None, [ARGO]),
    ]


def failed(work: str, switched: Switched, goals: Goals) -> Row:
    """Return the row of the failed requests of switches."""
    return row(f"{work}: failed of {switched.sent:,}", "requests", {OURS: [switched.failed]}, goals["failed"])
