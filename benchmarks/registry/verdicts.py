"""Rows of the result, from raw samples and `../goals.yaml`."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.registry.measure import EDITS
from benchmarks.rows import OURS, Row, holds, rounded, row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.registry.measure import Used
    from benchmarks.rows import Goals

CPU = "s of CPU"
MEMORY = "MiB"


def of_size(command: str, sets: int, versions: int, used: Sequence[Used], goals: Goals) -> list[Row]:
    """Return rows for a command on one registry: its CPU time, and its memory."""
    size = f"{sets:,} sets of {versions} versions"
    kind = "edit" if command in EDITS else command.strip("`")
    limit = goals.get(f"{kind}, {size}")
    return [
        row(f"{command}, {size}", CPU, {OURS: [each.seconds for each in used]}, limit),
        row(f"{command}, {size}: memory", MEMORY, {OURS: [each.mib for each in used]}, None),
    ]


def of_commits(command: str, commits: int, used: Sequence[Used]) -> Row:
    """Return the row for the CPU time of a command on a history of this length."""
    return row(f"{command}, {commits:,} commits", CPU, {OURS: [each.seconds for each in used]}, None)


def of_growth(command: str, by_commits: Mapping[int, Sequence[Used]], goals: Goals) -> Row:
    """Return the row for how many times as long a command takes with the most commits as with the fewest."""
    samples = {f"{commits:,}": [each.seconds for each in used] for commits, used in by_commits.items()}
    medians = [median(each) for each in samples.values()]
    times, limit = medians[-1] / medians[0], goals["history"]
    fewest, *_, most = samples
    return Row(
        work=f"{command}, {fewest} to {most} commits",
        ours=rounded(times),
        peer=None,
        peer_name=None,
        unit="times",
        ratio=None,
        goal=limit,
        holds=holds(limit, times),
        samples=samples,
    )
