"""Measures all servers in turn, each alone on its core: slow moments of the machine affect all of them."""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import quantiles
from threading import Thread
from typing import TYPE_CHECKING

import orjson

from benchmarks.server import models as trained
from benchmarks.server.client import post, request_for, request_once, request_times
from benchmarks.server.servers import Bare, BareOnnx, ByFramework, KServe, MLServer, NotReadyError, Ours

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.server.models import Kind, Models
    from benchmarks.server.plan import Plan
    from benchmarks.server.servers import Running, Server

MANY: tuple[Server, ...] = (Ours(), MLServer(), KServe())
ONE: tuple[Server, ...] = (*MANY, Bare(), BareOnnx())
STARTS: tuple[Server, ...] = (Ours(), MLServer(), KServe())
FOREST: tuple[Server, ...] = (*MANY, ByFramework(), BareOnnx())
NEIGHBOURS: tuple[Server, ...] = (Ours(), Bare())
_BEFORE_KILL = 0.5
_CONNECTIONS = 4
"""Connections over which a server is under load when it is killed."""
_TOLERANCE = 1e-6

Samples = dict[str, list[float]]
"""By server."""


def _samples() -> Samples:
    return defaultdict(list)


@dataclass
class Measured:
    """Raw samples.

    Attributes:
        rates: requests a second of one model, by connections.
        p99s: milliseconds, by connections.
        forest: requests a second of one forest, over the largest number of connections.
        neighbours: the same of one model that only its framework computes.
        all_forests: seconds until all forests have answered one request of ours, by their number.
        all_models: seconds until all models have answered, by their number; peers answer one by one.
        starts: seconds until ready, by number of models.
        memory: MiB after a request to each model, by number of models.
        forest_starts: seconds until ready, by number of forests.
        forest_memory: MiB after a request to each forest, by number of forests.
        backs: seconds from a kill under load until ready again, of ours, by number of models.
        growth_p50: microseconds of one request, by number of models.
        growth_mib: memory, by number of models.
        client_busy: the client's share of a core, in each sample.
        missing: servers that failed, and why.
    """

    rates: dict[int, Samples] = field(default_factory=lambda: defaultdict(_samples))
    p99s: dict[int, Samples] = field(default_factory=lambda: defaultdict(_samples))
    forest: Samples = field(default_factory=_samples)
    neighbours: Samples = field(default_factory=_samples)
    all_forests: dict[int, Samples] = field(default_factory=lambda: defaultdict(_samples))
    all_models: dict[int, Samples] = field(default_factory=lambda: defaultdict(_samples))
    starts: dict[int, Samples] = field(default_factory=lambda: defaultdict(_samples))
    memory: dict[int, Samples] = field(default_factory=lambda: defaultdict(_samples))
    forest_starts: dict[int, Samples] = field(default_factory=lambda: defaultdict(_samples))
    forest_memory: dict[int, Samples] = field(default_factory=lambda: defaultdict(_samples))
    backs: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    growth_p50: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    growth_mib: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    client_busy: list[float] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


class Bench:
    """Measures according to a plan; servers run on `core`, files are below `folder`."""

    def __init__(self, plan: Plan, folder: Path, core: int) -> None:
        self._plan, self._folder, self._core = plan, folder, core
        self.measured = Measured()
        self._models: dict[tuple[int, str], Models] = {}

    def run(self) -> Measured:
        """Run all measurements."""
        for _ in range(self._plan.rounds):
            self._each(ONE, self._trained(1), self._one_model)
            self._each(FOREST, self._trained(1, trained.FOREST), self._one_forest)
            self._each(NEIGHBOURS, self._trained(1, trained.NEIGHBOURS), self._neighbours)
            for count in self._plan.many:
                self._each(MANY, self._trained(count), self._all_models)
            self._each((Ours(),), self._trained(max(self._plan.many)), self._killed)
            forests = self._trained(self._plan.forests, trained.FOREST)
            self._each(STARTS, forests, self._all_forests)
        self._each(
            (Ours(),), self._trained(self._plan.forests_at_once, trained.FOREST), self._forests_at_once
        )
        for count in self._plan.growth:
            self._each((Ours(),), self._trained(count), self._growth)
        return self.measured

    def _trained(self, count: int, kind: Kind = trained.RIDGE) -> Models:
        key = count, kind.name
        if key not in self._models:
            self._models[key] = trained.make(self._folder / f"{kind.name}-{count}", count, kind)
        return self._models[key]

    def _each(
        self, servers: Sequence[Server], models: Models, measure: Callable[[Server, Running, Models], None]
    ) -> None:
        for server in servers:
            work = f"{server.name}, {len(models.uids):,} models"
            if work in self.measured.missing:
                continue
            print(work, flush=True)
            try:
                with server.running(
                    models, self._folder / "run", self._core, self._plan.start_limit
                ) as running:
                    _check(server, running, models)
                    measure(server, running, models)
            except (NotReadyError, ConnectionError, TimeoutError) as error:
                if type(server) is Ours:
                    raise
                self.measured.missing[work] = str(error)
                print(f"{work}: left out: {error}", flush=True)

    def _one_model(self, server: Server, running: Running, models: Models) -> None:
        request = [post(server.infer_path(models.uids[0]), models.body())]
        request_for(running.port, request, max(self._plan.connections), self._plan.warm_up)
        for connections in self._plan.connections:
            result = request_for(running.port, request, connections, self._plan.seconds)
            self.measured.rates[connections][server.name].append(result.rate)
            self.measured.p99s[connections][server.name].append(1000 * quantiles(result.latencies, n=100)[98])
            self.measured.client_busy.append(result.busy)

    def _one_forest(self, server: Server, running: Running, models: Models) -> None:
        self.measured.forest[server.name].append(self._rate(server, running, models))

    def _neighbours(self, server: Server, running: Running, models: Models) -> None:
        self.measured.neighbours[server.name].append(self._rate(server, running, models))

    def _rate(self, server: Server, running: Running, models: Models) -> float:
        """Return the requests a second of one model, over the largest number of connections."""
        request = [post(server.infer_path(models.uids[0]), models.body())]
        connections = max(self._plan.connections)
        request_for(running.port, request, connections, self._plan.warm_up)
        result = request_for(running.port, request, connections, self._plan.forest_seconds)
        self.measured.client_busy.append(result.busy)
        return result.rate

    def _forests_at_once(self, server: Server, running: Running, models: Models) -> None:
        # A pod that has just become ready still imports scikit-learn, on the core that answers.
        request = post(Ours.batch_path, models.batch_body())
        request_for(running.port, [request], 1, self._plan.warm_up)
        taken = self.measured.all_forests[len(models.uids)][server.name]
        taken += self._batches(running, models)

    def _all_models(self, server: Server, running: Running, models: Models) -> None:
        measured, count = self.measured, len(models.uids)
        measured.starts[count][server.name].append(running.start_seconds)
        if isinstance(server, Ours):
            measured.all_models[count][server.name] += self._batches(running, models)
        else:
            requests = _one_by_one(server, models)
            connections = max(self._plan.connections)
            result = request_times(running.port, requests, connections, len(requests))
            measured.all_models[count][server.name].append(result.seconds)
        measured.memory[count][server.name].append(running.memory_mib())

    def _all_forests(self, server: Server, running: Running, models: Models) -> None:
        count = len(models.uids)
        requests = _one_by_one(server, models)
        request_times(running.port, requests, 1, len(requests))
        self.measured.forest_starts[count][server.name].append(running.start_seconds)
        self.measured.forest_memory[count][server.name].append(running.memory_mib())

    def _killed(self, server: Server, running: Running, models: Models) -> None:
        load = Thread(target=_until_it_breaks, args=(running.port, _one_by_one(server, models)))
        load.start()
        time.sleep(_BEFORE_KILL)
        began = time.perf_counter()
        running.kill()
        load.join()
        with server.running(
            models, self._folder / "run", self._core, self._plan.start_limit, again=True
        ) as second:
            self.measured.backs[len(models.uids)].append(time.perf_counter() - began)
            _check(server, second, models)

    def _batches(self, running: Running, models: Models) -> list[float]:
        """Return the seconds of requests to ours for all models."""
        request = post(Ours.batch_path, models.batch_body())
        _check_batch(request_once(running.port, request), models)
        return [request_times(running.port, [request], 1, 1).seconds for _ in range(self._plan.batches)]

    def _growth(self, server: Server, running: Running, models: Models) -> None:
        requests = _one_by_one(server, models)
        # Every model has had a request: these times and sizes exclude the work of a first request.
        request_times(running.port, requests, 1, len(requests))
        for _ in range(self._plan.rounds):
            result = request_times(running.port, requests, 1, self._plan.growth_requests)
            self.measured.growth_p50[len(models.uids)].append(1e6 * quantiles(result.latencies, n=2)[0])
        self.measured.growth_mib[len(models.uids)].append(running.memory_mib())


def _until_it_breaks(port: int, requests: list[bytes]) -> None:
    with suppress(ConnectionError):
        request_for(port, requests, _CONNECTIONS, 2 * _BEFORE_KILL)


def _one_by_one(server: Server, models: Models) -> list[bytes]:
    body = models.body()
    return [post(server.infer_path(uid), body) for uid in models.uids]


def _check(server: Server, running: Running, models: Models) -> None:
    """Send a request to the last model: a server with a wrong answer is not measured."""
    uid = models.uids[-1]
    answer = orjson.loads(request_once(running.port, post(server.infer_path(uid), models.body())))
    _same(server.name, answer["outputs"], models.answers[uid])


def _check_batch(body: bytes, models: Models) -> None:
    for uid, answer in zip(models.uids, orjson.loads(body)["responses"], strict=True):
        _same(uid, answer.get("outputs"), models.answers[uid])


def _same(whose: str, outputs: list[dict[str, list[float]]] | None, expected: float) -> None:
    got = outputs[0]["data"][0] if outputs else None
    if got is None or not abs(got - expected) <= _TOLERANCE * max(1, abs(expected)):
        raise ConnectionError(f"{whose} answered {got}, expected {expected}")
