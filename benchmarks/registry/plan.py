"""The plans of the benchmark: which registries, how often."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """One run.

    Attributes:
        sizes: registries, as numbers of sets and of versions of each set.
        commits: numbers of commits in git, one a day, of a registry of `HISTORY_SETS` sets.
        samples: runs of each command.
    """

    sizes: tuple[tuple[int, int], ...]
    commits: tuple[int, ...]
    samples: int


HISTORY_SETS = 50
"""Sets of the registry whose history grows; each day one of them gets a version."""

FULL = Plan(
    sizes=(
        *((500, versions) for versions in (1, 10, 100, 365)),
        *((sets, 100) for sets in (10, 100, 1_000, 2_000)),
        (2_000, 365),
    ),
    commits=(365, 1_825, 3_650),
    samples=5,
)
"""The most of each: daily training for a year, 2,000 services, ten years of daily commits."""
QUICK = Plan(sizes=((100, 10), (500, 100)), commits=(365,), samples=3)
"""A part of the full plan, in a minute."""
