"""What is measured: how many services, how often."""

from __future__ import annotations

from dataclasses import dataclass

CLUSTERS = 2
"""Of every service."""


@dataclass(frozen=True)
class Plan:
    """One run.

    Attributes:
        sizes: numbers of services, from few to many.
        samples: previews and updates without a change, of each program with each number.
        switched: the sizes among which one service is switched.
        switches: how often there, with the whole update, and as often with the route's alone.
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
QUICK = Plan(sizes=(10, 30, 50), samples=2, switched=(50,), switches=2, compared=4)
"""A part of it, in minutes."""
TINY = Plan(sizes=(2, 4, 6), samples=1, switched=(4,), switches=2, compared=2)
"""Proves in minutes that all of it works; its figures mean nothing."""
