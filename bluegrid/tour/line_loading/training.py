"""Trains the four versions: one ridge regression a branch, from operating points of some seasons."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from threadpoolctl import threadpool_limits

from bluegrid.tour.line_loading import files
from bluegrid.tour.line_loading.network import Branch, Floats, Network
from bluegrid.tour.line_loading.operating_points import (
    NEXT_YEAR,
    SPRING_AND_AUTUMN,
    SUMMER,
    WINTER,
    OperatingPoints,
    Season,
    mixed,
    sample,
)

if TYPE_CHECKING:
    from pathlib import Path

SEED = 118
FLOWS = 120
"""Power flows for each version."""

SEASONS: Mapping[str, tuple[Season, ...]] = {
    "v1": (SPRING_AND_AUTUMN,),
    "v2": (WINTER, SUMMER),
    "v4": (NEXT_YEAR,),
}
UPDATED_UID = "line-140"
"""The one model that v3 replaces in v2: it gains from the points of v1 too, a whole year."""

ALPHAS = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
"""Of inputs that are not scaled first: all are MW or Mvar, and a bare regression answers twice as fast."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done, and of how many."""

Models = Mapping[str, Any]
"""A version's fitted regressions by UID."""


@dataclass(frozen=True)
class Fit:
    """The errors of a version's models on operating points that they were not trained on."""

    version: str
    models: int
    r2_median: float
    r2_tenth: float
    r2_min: float
    error_median: float
    error_max: float


@dataclass(frozen=True)
class TrainingReport:
    """What was trained, in which time; errors are mean absolute errors in percent points of loading."""

    fits: tuple[Fit, ...]
    seconds: float


def train(folder: Path, progress: Progress, flows: int = FLOWS) -> TrainingReport:
    """Trains v1 to v4 and writes them and the held-out requests; the same bytes in every run on a machine.

    Args:
        folder: gets `v1`..`v4`, each as `bluegrid push` takes it, and `requests.json`; whole or not at all.
        progress: called after every power flow and every version.
        flows: number of power flows for each version; a fifth of them is held out.

    Raises:
        FileExistsError: `folder` exists.
    """
    started = time.monotonic()
    unfinished = files.new_folder(folder)
    # Problems this small lose by BLAS threads, and the last bits would depend on how many there are.
    with threadpool_limits(1):
        network = Network()
        known, held_out = _split(_operating_points(network, flows, progress))
        models = {name: _fitted(network.branches, points) for name, points in known.items()}
        whole_year = mixed([known["v1"], known["v2"]], np.random.default_rng(SEED))
        models["v3"] = _fitted(network.branches, whole_year, only={UPDATED_UID})
        held_out["v3"] = held_out["v2"]

        fits = []
        for done, name in enumerate(sorted(models), start=1):
            fits.append(_fit(name, network.branches, models[name], held_out[name]))
            files.write_version(unfinished / name, network.branches, models[name], held_out[name])
            progress("models of versions written", done, len(models))
        answering = {**models, "v3": {**models["v2"], **models["v3"]}}
        files.write_requests(unfinished, network.branches, answering, [held_out[name] for name in SEASONS])
    unfinished.rename(folder)
    return TrainingReport(tuple(fits), time.monotonic() - started)


def retrain(folder: Path, seasons: Sequence[Season], flows: int, seed: int, only: str | None) -> Fit:
    """Trains models on new operating points and writes them.

    Args:
        folder: gets the models, as `bluegrid push` takes them.
        seasons: the seasons of the operating points.
        flows: number of power flows; a fifth of them is held out.
        seed: seed of the operating points.
        only: UID of the branch to train; None: all branches.

    Raises:
        ValueError: there is no such branch.
    """
    with threadpool_limits(1):
        network = Network()
        if only is not None and only not in {branch.uid for branch in network.branches}:
            raise ValueError(f"no branch {only}; expected one such as {network.branches[0].uid}")
        rng = np.random.default_rng(seed)
        parts = [sample(network, season, flows // len(seasons), rng, lambda: None) for season in seasons]
        known, held_out = _split({folder.name: mixed(parts, rng)})
        (points,), (others,) = known.values(), held_out.values()
        models = _fitted(network.branches, points, only=None if only is None else {only})
        files.write_version(folder, network.branches, models, others)
    return _fit(folder.name, network.branches, models, others)


def _operating_points(network: Network, flows: int, progress: Progress) -> dict[str, OperatingPoints]:
    total, done = flows * len(SEASONS), 0

    def each() -> None:
        nonlocal done
        done += 1
        progress("power flows", done, total)

    points = {}
    for number, (name, seasons) in enumerate(SEASONS.items()):
        # A generator for each version: one more power flow for v1 leaves v2 as it was.
        rng = np.random.default_rng([SEED, number])
        parts = [sample(network, season, flows // len(seasons), rng, each) for season in seasons]
        points[name] = mixed(parts, rng)
    return points


def _split(
    points: Mapping[str, OperatingPoints],
) -> tuple[dict[str, OperatingPoints], dict[str, OperatingPoints]]:
    known = {name: all_points.rows(slice(len(all_points) // 5, None)) for name, all_points in points.items()}
    held_out = {name: all_points.rows(slice(len(all_points) // 5)) for name, all_points in points.items()}
    return known, held_out


def _fitted(
    branches: Iterable[Branch], known: OperatingPoints, only: Container[str] | None = None
) -> dict[str, Any]:
    return {
        branch.uid: RidgeCV(ALPHAS).fit(known.points[:, branch.inputs], loading)
        for branch, loading in zip(branches, known.loading_percent.T, strict=True)
        if only is None or branch.uid in only
    }


def _fit(version: str, branches: Iterable[Branch], models: Models, held_out: OperatingPoints) -> Fit:
    r2, errors = [], []
    for branch, loading in zip(branches, held_out.loading_percent.T, strict=True):
        if branch.uid in models:
            answers: Floats = models[branch.uid].predict(held_out.points[:, branch.inputs])
            r2.append(float(r2_score(loading, answers)))
            errors.append(float(np.abs(answers - loading).mean()))
    return Fit(
        version,
        models=len(r2),
        r2_median=float(np.median(r2)),
        r2_tenth=float(np.quantile(r2, 0.1)),
        r2_min=min(r2),
        error_median=float(np.median(errors)),
        error_max=max(errors),
    )
