"""The plans of the benchmark: how many services, how often."""

from __future__ import annotations

from dataclasses import dataclass

CLUSTERS = 2
"""Clusters of every service."""


@dataclass(frozen=True)
class Plan:
    """One run.

    Attributes:
        sizes: numbers of services, from few to many.
        samples: previews and updates without a change, of each program at each size.
        switched: the sizes at which one service is switched.
        switches: how often, with an update of the whole stack, and as often of the route alone.
        compared: switches of each kind and tool in the comparison with Argo Rollouts: an even number, so that
            the last one leads back.
    """

    sizes: tuple[int, ...]
    samples: int
    switched: tuple[int, ...]
    switches: int
    compared: int


FULL = Plan(sizes=(10, 50, 100, 200, 500), samples=2, switched=(50, 500), switches=2, compared=20)
"""Few samples: on 2 cores an hour, half of it with 500 services."""
QUICK = Plan(sizes=(5, 10, 20), samples=2, switched=(20,), switches=2, compared=2)
"""A part of the full plan, in minutes."""
TINY = Plan(sizes=(2, 4, 6), samples=1, switched=(4,), switches=2, compared=2)
"""Proves in minutes that the benchmark works; its figures are not valid."""
