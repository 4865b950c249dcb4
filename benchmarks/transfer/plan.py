"""The plans of the benchmark: which models, how many, over which round trips."""

from __future__ import annotations

from dataclasses import dataclass

KB, MB = 1_000, 1_000_000


@dataclass(frozen=True)
class Kind:
    """Models of one size.

    Attributes:
        size: bytes of each; None: the example's real models.
        count: how many.
        all_tools: whether tools that were far behind with fewer models of this size are measured too.
    """

    size: int | None
    count: int
    all_tools: bool = True


@dataclass(frozen=True)
class Plan:
    """One run.

    Attributes:
        kinds: in order; for each size the smaller number of models first.
        rtts: seconds of a round trip; 0: straight to the server.
        samples: of every tool in every cell, unless the tool is slow.
        updated: number of models of the version in which one model changes.
        growth: numbers of 2 KB models for time and memory.
        large: number and bytes of the models that are large for their number.
        growth_samples: samples of each number of models.
    """

    kinds: tuple[Kind, ...]
    rtts: tuple[float, ...]
    samples: int
    updated: Kind
    growth: tuple[int, ...]
    large: tuple[Kind, ...]
    growth_samples: int


FULL = Plan(
    kinds=(
        Kind(2 * KB, 500),
        Kind(20 * KB, 500),
        Kind(200 * KB, 500),
        # 3,207 models of 2 MB would be 6.4 GB: left out, so that the run ends within half an hour.
        Kind(2 * MB, 200),
        Kind(None, 500),
        Kind(2 * KB, 3207, all_tools=False),
        Kind(20 * KB, 3207),
        Kind(200 * KB, 3207, all_tools=False),
    ),
    rtts=(0, 0.010, 0.050),
    samples=3,
    updated=Kind(20 * KB, 3207),
    growth=(1_000, 3_000, 10_000, 30_000, 100_000),
    large=(Kind(2 * MB, 200), Kind(128 * MB, 6)),
    growth_samples=3,
)

QUICK = Plan(
    kinds=(Kind(20 * KB, 500), Kind(2 * MB, 20), Kind(None, 500)),
    rtts=(0, 0.010),
    samples=3,
    updated=Kind(20 * KB, 3207),
    growth=(1_000, 3_000, 10_000),
    large=(Kind(2 * MB, 200),),
    growth_samples=1,
)

SMALL = Plan(
    kinds=(Kind(20 * KB, 500), Kind(20 * KB, 3207, all_tools=False)),
    rtts=(0, 0.010, 0.050),
    samples=5,
    updated=Kind(20 * KB, 3207),
    growth=(1_000, 3_000, 10_000),
    large=(),
    growth_samples=1,
)
"""The cells with goals against the best peer, of small models; peers that are far behind are left out."""

TINY = Plan(
    kinds=(Kind(20 * KB, 20), Kind(20 * KB, 60, all_tools=False)),
    rtts=(0, 0.010),
    samples=1,
    updated=Kind(2 * KB, 40),
    growth=(10, 50, 100),
    large=(Kind(2 * MB, 2),),
    growth_samples=1,
)
"""Proves in seconds that the benchmark works; its figures are not valid."""
