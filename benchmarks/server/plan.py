"""The plans of the benchmark: how many models, over how many connections, how long."""

from __future__ import annotations

from dataclasses import dataclass

INPUTS = 30
"""Numbers in a row, about as many as a model of `examples/line_loading` takes."""


@dataclass(frozen=True)
class Plan:
    """One run.

    Attributes:
        rounds: how often every server is started and measured, in turn.
        warm_up: seconds of requests before a rate or a batch of forests is measured: ours imports the
            framework after it is ready.
        seconds: how long requests go to one model, for each number of connections.
        connections: numbers of connections; each waits for its answer before the next request.
        forest_seconds: how long requests go to one forest, and to one model that only its framework computes,
            over the largest number of connections.
        forests_at_once: number of forests of which one request asks all.
        many: numbers of models that all get a request; the first is for servers that cannot hold more.
        batches: requests for all models, in each round.
        forests: number of forests of which a server starts with all.
        growth: numbers of models for latency and memory.
        growth_requests: requests one after the other, for each number in `growth`.
        start_limit: seconds after which a server that is not ready is left out.
    """

    rounds: int
    warm_up: float
    seconds: float
    connections: tuple[int, ...]
    forest_seconds: float
    forests_at_once: int
    many: tuple[int, ...]
    batches: int
    forests: int
    growth: tuple[int, ...]
    growth_requests: int
    start_limit: float


FULL = Plan(
    rounds=3,
    warm_up=4,
    seconds=4,
    connections=(1, 16),
    forest_seconds=2,
    forests_at_once=3_207,
    many=(300, 3_207),
    batches=5,
    forests=1_000,
    growth=(1, 10, 100, 1_000, 10_000),
    growth_requests=3_000,
    start_limit=600,
)

QUICK = Plan(
    rounds=3,
    warm_up=3,
    seconds=2,
    connections=(1, 16),
    forest_seconds=1,
    forests_at_once=300,
    many=(300,),
    batches=5,
    forests=100,
    growth=(1, 100, 1_000),
    growth_requests=2_000,
    start_limit=120,
)
"""A part of the full plan, in minutes."""

TINY = Plan(
    rounds=1,
    warm_up=0.3,
    seconds=0.3,
    connections=(1, 16),
    forest_seconds=0.3,
    forests_at_once=20,
    many=(10, 20),
    batches=2,
    forests=5,
    growth=(1, 10, 20),
    growth_requests=50,
    start_limit=60,
)
"""Proves in a minute that the benchmark works; its figures are not valid."""
