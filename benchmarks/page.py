"""Figures and tables in Markdown, for the pages of all benchmarks."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.result_files import RESULTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

MET = {True: "yes", False: "no", None: ""}


def write(
    name: str, title: str, result: dict[str, Any], body: Sequence[str], folder: Path, where: str = ""
) -> Path:
    """Write the page of a benchmark; return its path.

    Args:
        name: the benchmark's name; the page is `<name>.md`.
        title: the heading.
        result: the content of its JSON file.
        body: paragraphs and tables below what every page begins with: machine, versions, minutes.
        folder: the folder of the page.
        where: a sentence about the place of files.
    """
    versions = ", ".join(f"{each} {version}" for each, version in result["versions"].items())
    parts = [
        f"# {title}",
        f"Made by `make bench-{name}`; edits are lost. Raw samples: `benchmarks/results/{name}.json`.",
        f"{result['date']}, {result['machine']}. {versions}.",
        f"{where}The run took {result['minutes']} minutes.",
        *body,
    ]
    if (before := RESULTS / f"{name}-before.json").exists():
        parts.append(compared_builds(json.loads(before.read_text())))
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{name}.md"
    page.write_text("\n\n".join(parts) + "\n")
    return page


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


def compared_builds(result: Mapping[str, Any]) -> str:
    """Return the section that compares two builds, from a result of `benchmarks.before`."""
    commits, rows = result["commits"], result["rows"]
    apart = [row for row in rows if not _overlap(row["before"], row["after"])]
    lines = [
        (
            row["work"],
            spread(row["before"]),
            spread(row["after"]),
            row["unit"],
            number(median(row["after"]) / median(row["before"])) if median(row["before"]) else "",
            "no" if row in apart else "yes",
        )
        for row in rows
    ]
    return "\n\n".join(
        (
            "## Beside the build before",
            f"{result['date']}, {result['machine']}: {commits['before']} and {commits['after']}, a part of "
            f"the benchmark, {result['rounds']} times each in turn. Medians of all samples, with the least "
            f"and the most. {len(rows) - len(apart)} of {len(rows)} figures are within each other's spread.",
            table(("", commits["before"], commits["after"], "unit", "ratio", "within the spread"), lines),
        )
    )


def _overlap(first: Sequence[float], second: Sequence[float]) -> bool:
    return min(first) <= max(second) and min(second) <= max(first)
