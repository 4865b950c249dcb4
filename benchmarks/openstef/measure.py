"""Measures both sides in turn: slow moments of the machine affect both of them."""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.openstef import places, pods
from benchmarks.openstef.plan import KIND, NO_FILES, NO_PLOTS, OF_BOTH, changed_of
from benchmarks.rows import OURS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.openstef.places import Place, Servers
    from benchmarks.openstef.plan import Plan
    from benchmarks.openstef.pods import Pod
    from benchmarks.openstef.worker import Worker
    from benchmarks.transfer.server import Way

THEIRS = "OpenSTEF's MLflow storage"
BASE = "base"

Samples = dict[str, list[float]]
"""By side."""


@dataclass
class Run:
    """Forecast runs: models of all targets from rest into memory, and forecasts.

    Attributes:
        targets: their number.
        seconds: from the first request to the last loaded model.
        loading: of these, seconds of unpickling.
        as_data: seconds for the same pipelines as data, without OpenSTEF.
        compared: forecasts of bluegrid's, by pickles and as data, that were compared with OpenSTEF's.
        different: those of them that were not equal to the bit.
    """

    targets: int
    seconds: Samples = field(default_factory=lambda: defaultdict(list))
    loading: Samples = field(default_factory=lambda: defaultdict(list))
    as_data: list[float] = field(default_factory=list)
    compared: int = 0
    different: int = 0


@dataclass
class Night:
    """Publishing the models that a night has changed.

    Attributes:
        models: their number.
        seconds: of both storages, by what is made beside the models.
        push_seconds: of a push of the same models, without what is done after each fit.
    """

    models: int
    seconds: dict[str, Samples] = field(
        default_factory=lambda: {each: defaultdict(list) for each in (*OF_BOTH, NO_FILES)}
    )
    push_seconds: list[float] = field(default_factory=list)


@dataclass
class Traffic:
    """What went over the wire: requests, and bytes both ways with headers."""

    requests: dict[str, int] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)


@dataclass
class OfKind:
    """Pipelines of one kind.

    Attributes:
        stored_bytes: of all models in the store.
        pods: with all models.
        forecasts: seconds of CPU of one.
        shares: of the time of a forecast, by library.
    """

    stored_bytes: int
    pods: list[Pod]
    forecasts: list[float]
    shares: dict[str, float]


@dataclass
class Measured:
    """Raw samples; runs and nights are by the name of the place."""

    runs: dict[str, Run] = field(default_factory=dict)
    nights: dict[str, Night] = field(default_factory=dict)
    run_traffic: Traffic = field(default_factory=Traffic)
    night_traffic: dict[str, Traffic] = field(default_factory=dict)
    kinds: dict[str, OfKind] = field(default_factory=dict)


class Bench:
    """Measures according to a plan.

    Args:
        plan: of the run.
        worker: the process with OpenSTEF.
        python: its interpreter.
        folder: for files.
    """

    def __init__(self, plan: Plan, worker: Worker, python: Path, folder: Path) -> None:
        self._plan, self._worker, self._python, self._folder = plan, worker, python, folder
        self.measured = Measured()

    def run(self, servers: Servers) -> Measured:
        """Run all measurements."""
        for kind, count in self._plan.trained.items():
            _say(f"training {count} {kind} pipelines")
            self._worker.run("train", kind=kind, count=count, targets=self._plan.targets)
        self._at(servers.place, self._plan.targets)
        with places.by_default(servers, self._folder) as place:
            self._at(place, self._plan.few)
        self._at(places.folders(self._folder / "folders"), self._plan.few)
        self._count(servers)
        for kind in self._plan.trained:
            self._kind(kind)
        return self.measured

    def _at(self, place: Place, targets: int) -> None:
        self._publish_all(place, targets)
        for number in range(self._plan.rounds):
            self._forecast_run(place, targets)
            self._night(place, changed_of(targets), f"night-{number}")

    def _publish_all(self, place: Place, targets: int) -> None:
        _say(f"publishing {targets:,} models {place.name}")
        for storage in _storages(place).values():
            self._publish(storage, targets, BASE, NO_PLOTS)
        self._worker.run("push_data", kind=KIND, storage=_as_data(place), night=BASE, targets=targets)

    def _forecast_run(self, place: Place, targets: int) -> None:
        _say(f"forecast run over {targets:,} targets {place.name}")
        run = self.measured.runs.setdefault(place.name, Run(targets))
        forecasts = {}
        for side, storage in _storages(place).items():
            found = self._load(storage, targets)
            run.seconds[side].append(found["seconds"])
            run.loading[side].append(found["loading"])
            forecasts[side] = found["forecasts"]
        found = self._worker.run("load_data", kind=KIND, storage=_as_data(place), targets=targets)
        run.as_data.append(found["seconds"])
        for ours in (forecasts[OURS], found["forecasts"]):
            run.compared += len(forecasts[THEIRS])
            run.different += sum(ours[uid] != each for uid, each in forecasts[THEIRS].items())

    def _night(self, place: Place, models: int, name: str) -> None:
        _say(f"{name}: {models:,} changed models {place.name}")
        night = self.measured.nights.setdefault(place.name, Night(models))
        storages = _storages(place)
        ours = storages[OURS]
        for files, sides in (*((each, storages) for each in OF_BOTH), (NO_FILES, {OURS: ours})):
            for side, storage in sides.items():
                found = self._publish(storage, models, f"{name} {files}", files)
                night.seconds[files][side].append(found["seconds"])
        found = self._worker.run("push", kind=KIND, storage=ours, night=f"{name}-push", targets=models)
        night.push_seconds.append(found["seconds"])

    def _count(self, servers: Servers) -> None:
        """Count requests and bytes, in runs that are not timed: the proxy takes time too."""
        _say("counting requests")
        storages = _storages(servers.counted)
        # A client asks a server once a day what it can do: here, before.
        self._publish(storages[OURS], 1, "first there", NO_PLOTS)
        for side, way in ((THEIRS, servers.to_mlflow), (OURS, servers.to_store)):
            storage = storages[side]
            _count_into(
                self.measured.run_traffic, side, way, partial(self._load, storage, self._plan.targets)
            )
            for files in OF_BOTH:
                traffic = self.measured.night_traffic.setdefault(files, Traffic())
                models = changed_of(self._plan.targets)
                step = partial(self._publish, storage, models, f"counted {files}", files)
                _count_into(traffic, side, way, step)

    def _kind(self, kind: str) -> None:
        """Publish pipelines of a kind as a version, and start pods with it."""
        plan, folder = self._plan, self._folder / kind
        store = folder / "store"
        store.mkdir(parents=True)
        storage = {"address": store.as_uri(), "registry": f"registry of {kind}"}
        pushed = self._worker.run("push", kind=kind, storage=storage, night=BASE, targets=plan.targets)
        request = folder / "request.json"
        self._worker.run("write_request", kind=kind, forecasts=plan.forecasts, file=str(request))
        started = []
        for _ in range(plan.rounds):
            _say(f"a pod of {plan.targets:,} {kind} pipelines")
            models = folder / "models"
            started.append(
                pods.measure(self._python, store.as_uri(), BASE, pushed["manifest"], request, models)
            )
            shutil.rmtree(models)
        cost = self._worker.run("cost", kind=kind, forecasts=plan.forecasts)
        self.measured.kinds[kind] = OfKind(pushed["bytes"], started, cost["seconds"], cost["shares"])
        shutil.rmtree(folder)

    def _publish(self, storage: dict[str, str], models: int, night: str, files: str) -> dict[str, Any]:
        return self._worker.run(
            "publish", kind=KIND, storage=storage, night=night, targets=models, files=files
        )

    def _load(self, storage: dict[str, str], targets: int) -> dict[str, Any]:
        return self._worker.run("load", kind=KIND, storage=storage, targets=targets)


def _storages(place: Place) -> dict[str, dict[str, str]]:
    """Return both storages of a place, as the worker knows them."""
    return {
        THEIRS: {"uri": place.mlflow},
        OURS: {"address": place.store, "registry": f"registry {place.name}"},
    }


def _as_data(place: Place) -> dict[str, str]:
    """Return the storage of the same pipelines as data, as the worker knows it."""
    return {"address": place.store, "registry": f"registry {place.name}, as data"}


def _count_into(traffic: Traffic, side: str, way: Way, step: Callable[[], object]) -> None:
    """Count the requests and the bytes of a step on a way."""
    before = way.traffic()
    step()
    after = way.traffic()
    traffic.requests[side] = after.requests - before.requests
    traffic.bytes[side] = after.up + after.down - before.up - before.down


def _say(text: str) -> None:
    print(text, flush=True)
