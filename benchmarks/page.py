"""Figures and tables in Markdown, for the pages of all benchmarks."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MET = {True: "yes", False: "no", None: ""}


def goal(goal: dict[str, float] | None) -> str:
    """Return a goal in words: `at least 3`."""
    words = {"at_least": "at least", "at_most": "at most", "under": "under"}
    return ", ".join(f"{words[name]} {number(value)}" for name, value in (goal or {}).items())


def spread(samples: Sequence[float] | None) -> str:
    """Return the median, with the minimum and the maximum."""
    if not samples:
        return ""
    middle = number(median(samples))
    return middle if len(samples) == 1 else f"{middle} ({number(min(samples))}-{number(max(samples))})"


def span(values: Sequence[float]) -> str:
    """Return a range: `1 to 3`."""
    least, most = number(min(values)), number(max(values))
    return least if least == most else f"{least} to {most}"


def number(value: float) -> str:
    """Return a number with three digits, or as a whole number."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
