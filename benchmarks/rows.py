"""Rows of a result: computes every figure and verdict, from raw samples and `goals.yaml`.

A ratio says how many times as good bluegrid is as the peer.
"""

from __future__ import annotations

import operator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import linear_regression, median
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

OURS = "bluegrid"
Goal = dict[str, float]
Goals = dict[str, Goal]
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
        ratio: how many times as good as the peer; None without one.
        goal: limits of the ratio or, without a peer, of `ours`.
        holds: whether the goal is met; None without a goal.
        samples: all measurements, by tool.
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

    def __str__(self) -> str:
        peer = f"; {self.peer:g} {self.peer_name}" if self.peer is not None else ""
        times = f", {self.ratio:g} times" if self.ratio is not None else ""
        verdict = {True: " holds", False: " MISSED", None: ""}[self.holds]
        return f"{self.work}: {self.ours:g} {self.unit}{peer}{times}{verdict}"

    def to_json(self) -> dict[str, Any]:
        """Return the row in the form of the result file."""
        return asdict(self)


def row(
    work: str,
    unit: str,
    samples: Mapping[str, Sequence[float]],
    goal: Goal | None,
    peers: Iterable[str] = (),
    *,
    more_is_better: bool = False,
) -> Row:
    """Return a row from raw samples, against the best of `peers`: the lowest, unless more is better."""
    ours = median(samples[OURS])
    medians = {name: median(samples[name]) for name in peers}
    best = (max if more_is_better else min)(medians, key=medians.__getitem__) if medians else None
    peer = medians[best] if best else None
    ratio = None if peer is None else ours / peer if more_is_better else peer / ours
    return Row(
        work=work,
        ours=rounded(ours),
        peer=None if peer is None else rounded(peer),
        peer_name=best,
        unit=unit,
        ratio=None if ratio is None else rounded(ratio),
        goal=goal,
        holds=holds(goal, ours if ratio is None else ratio),
        samples={name: [rounded(each) for each in values] for name, values in samples.items()},
    )


def holds(goal: Goal | None, value: float) -> bool | None:
    """Return whether a value meets a goal; None without a goal."""
    if goal is None:
        return None
    if unknown := goal.keys() - _LIMITS.keys():
        raise ValueError(f"goals.yaml: {min(unknown)} is not a kind of limit; known: {', '.join(_LIMITS)}")
    return all(_LIMITS[kind](value, limit) for kind, limit in goal.items())


def goals_of(benchmark: str) -> Goals:
    """Return the goals of one benchmark, by name."""
    goals: Goals = YAML(typ="safe").load(Path(__file__).with_name("goals.yaml"))[benchmark]
    return goals


def residual(values: Mapping[int, float]) -> float:
    """Return the largest distance from the straight line that fits best, as a share of the largest value."""
    slope, intercept = linear_regression(list(values), list(values.values()))
    return max(abs(y - intercept - slope * x) for x, y in values.items()) / max(values.values())


def straight(work: str, samples: Mapping[int, Sequence[float]], goal: Goal | None) -> Row:
    """Return a row with the distance of the medians by number from a straight line."""
    medians = {count: median(each) for count, each in samples.items()}
    off = residual(medians)
    return Row(
        work=f"{work}, off a straight line",
        ours=rounded(off),
        peer=None,
        peer_name=None,
        unit="of the largest",
        ratio=None,
        goal=goal,
        holds=holds(goal, off),
        samples={f"{count:,}": [rounded(each) for each in values] for count, values in samples.items()},
    )


def rounded(value: float) -> float:
    """Return a value with four digits: no figure is more exact."""
    return float(f"{value:.4g}")
