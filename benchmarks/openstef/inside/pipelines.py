"""Fitted pipelines of OpenSTEF: a few are trained, and each has many names and as many different files."""

from __future__ import annotations

import hashlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from examples.openstef.grid import Grid
from examples.openstef.training import START, fit, known_at_start, predicted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd
    from openstef_models.models.forecasting_model import ForecastingModel, ModelFitResult

    from bluegrid_openstef.pipeline.model import PipelineModel
    from examples.openstef.grid import Target


@dataclass(frozen=True)
class Fitted:
    """A pipeline.

    Attributes:
        model: fitted.
        result: what OpenSTEF's `fit` returned, which its storage takes the data of the training from.
        recent: the series that a forecast is made of.
    """

    model: ForecastingModel
    result: ModelFitResult
    recent: pd.DataFrame


@dataclass(frozen=True)
class Pipelines:
    """Pipelines of one kind under the names of targets.

    Attributes:
        trained: the different ones.
        uids: of the targets; the pipelines are theirs in turn.
    """

    trained: Sequence[Fitted]
    uids: Sequence[str]

    @classmethod
    def train(cls, kind: str, count: int, names: int) -> Pipelines:
        """Train `count` pipelines for some of the first targets of SimBench, in two processes."""
        targets = Grid().targets()[:names]
        # Of all kinds, from transformers of low voltage to loads.
        chosen = targets[:: max(1, names // count)][:count]
        # Two, as the machine has two cores; OpenSTEF computes in one thread here.
        with ProcessPoolExecutor(2) as pool:
            trained = list(pool.map(_fit, chosen, [kind] * len(chosen)))
        return cls(trained, [each.uid for each in targets])

    def first(self, count: int) -> Pipelines:
        """Return the first targets."""
        return replace(self, uids=self.uids[:count])

    def of(self, uid_number: int) -> Fitted:
        """Return the pipeline of a target, which others have too."""
        return self.trained[uid_number % len(self.trained)]

    def named(self, night: str) -> dict[str, Fitted]:
        """Return a pipeline for each target, whose file differs from those of all others and other nights."""
        return {
            uid: replace(each, model=each.model.model_copy(update={"tags": {"target": uid, "night": night}}))
            for uid, each in ((uid, self.of(number)) for number, uid in enumerate(self.uids))
        }

    def unlike(self) -> dict[str, Fitted]:
        """Return the targets that have different pipelines, each once."""
        return dict(zip(self.uids, self.trained, strict=False))


def forecast(model: ForecastingModel, target: Fitted) -> str:
    """Return the SHA-256 of a forecast: of its times and of all quantiles."""
    found = predicted(model, target.recent)
    return _digest(found.index.as_unit("s").asi8, {name: found[name].to_numpy() for name in found.columns})


def forecast_as_data(model: PipelineModel, target: Fitted) -> str:
    """Return the same of a pipeline as data."""
    recent = target.recent
    columns = {name: recent[name].to_numpy() for name in recent.columns}
    start = recent.index[recent.index == START].as_unit("s").asi8
    times = recent.index.as_unit("s").asi8
    found = dict(model.predict({"time": times, "forecast_start": start, **columns}))
    return _digest(found.pop("time"), found)


def _digest(times: np.ndarray, quantiles: dict[str, np.ndarray]) -> str:
    # FP64 holds OpenSTEF's FP32 without loss.
    arrays = [times, *(quantiles[name].astype(float) for name in sorted(quantiles))]
    return hashlib.sha256(b"".join(each.tobytes() for each in arrays)).hexdigest()


_grid = cache(Grid)


def _fit(target: Target, kind: str) -> Fitted:
    series = _grid().series(target)
    model, result = fit(series, kind, target.uid)
    return Fitted(model, result, known_at_start(series))
