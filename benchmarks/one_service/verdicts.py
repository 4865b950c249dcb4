"""Rows of the result, from raw samples and `../goals.yaml`."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.rows import OURS, Row, row
from benchmarks.stack.verdicts import LAST_ANSWER, failed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.one_service.divided import Divided
    from benchmarks.one_service.measure import Size
    from benchmarks.rows import Goals

BEFORE = "the build before"


def of_size(size: Size, goals: Goals) -> list[Row]:
    """Return rows for one number of services."""
    among = f"among {size.services} services"
    switch, preview = f"switch {among}", f"preview {among}"
    rows = [row(switch, LAST_ANSWER, {OURS: size.switched.seconds}, goals.get(switch))]
    if size.switched_before is not None:
        against = f"{switch} against {BEFORE}"
        samples = {OURS: size.switched.seconds, BEFORE: size.switched_before.seconds}
        rows.append(row(against, LAST_ANSWER, samples, goals.get(against), [BEFORE]))
    rows.append(failed(switch, size.switched, goals))
    rows.append(row(preview, "s", {OURS: size.previewed}, goals.get(preview)))
    if size.previewed_before:
        samples = {OURS: size.previewed, BEFORE: size.previewed_before}
        rows.append(row(f"{preview} against {BEFORE}", "s", samples, None, [BEFORE]))
    return rows


def of_divided(divided: Divided, fewest: Size, goals: Goals) -> list[Row]:
    """Return rows for services in several stacks, also against the fewest services in one stack."""
    among = f"{divided.services} services in {divided.stacks} stacks"
    switch, preview, whole = f"switch among {among}", f"preview among {among}", f"whole preview of {among}"
    few = _services(fewest.services)
    return [
        row(switch, LAST_ANSWER, {OURS: divided.switched.seconds}, goals.get(switch)),
        failed(switch, divided.switched, goals),
        row(preview, "s", {OURS: divided.previewed}, goals.get(preview)),
        *([row(whole, "s", {OURS: divided.whole}, goals.get(whole))] if divided.whole else []),
        *_growth("switch", {few: fewest.switched.seconds, among: divided.switched.seconds}, goals),
        *_growth("preview", {few: fewest.previewed, among: divided.previewed}, goals),
    ]


def of_growth(sizes: Sequence[Size], goals: Goals) -> list[Row]:
    """Return how many times as long work on one service takes, for pairs of numbers of services."""
    return [
        *_growth("switch", {_services(size.services): size.switched.seconds for size in sizes}, goals),
        *_growth("preview", {_services(size.services): size.previewed for size in sizes}, goals),
    ]


def _services(number: int) -> str:
    return f"{number} services"


def _growth(work: str, samples: Mapping[str, Sequence[float]], goals: Goals) -> list[Row]:
    seconds = {among: median(each) for among, each in samples.items()}
    names = ((f"{work}, {many} against {few.split()[0]}", few, many) for few, many in pairwise(seconds))
    return [
        row(name, "times as long", {OURS: [seconds[many] / seconds[few]]}, goals.get(name))
        for name, few, many in names
    ]
