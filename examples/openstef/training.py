"""Trains a pipeline of OpenSTEF for each target, and makes the requests for their forecasts."""

from __future__ import annotations

import logging
import pickle
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from openstef_core.datasets import TimeSeriesDataset
from openstef_core.types import LeadTime, Q
from openstef_models.presets import ForecastingWorkflowConfig, create_forecasting_workflow

from examples.openstef.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from openstef_models.integrations.mlflow import MLFlowStorage
    from openstef_models.models.forecasting_model import ForecastingModel, ModelFitResult
    from openstef_models.workflows import CustomForecastingWorkflow

    from examples.openstef.grid import Target

# SimBench lacks temperature, pressure and humidity, of which each fit and each forecast would tell.
logging.getLogger("openstef_models").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", ".*`booster=gblinear` is deprecated")

QUANTILES = (0.1, 0.5, 0.9)
STEP = timedelta(minutes=15)
HORIZON = timedelta(hours=48)
START = pd.Timestamp("2016-06-01T00:00Z")
"""When the forecast begins; the days before are the training."""
TRAINING = timedelta(days=60)
_HISTORY = timedelta(days=14)


@dataclass(frozen=True)
class Trained:
    """A fitted pipeline.

    Attributes:
        uid: the target's.
        file: the pickle, or the pipeline as data.
        recent: what is known when the forecast begins: two weeks, and the features of the next 48 h.
        expected: what OpenSTEF itself predicts from that.
        came: the target's load in these 48 h.
    """

    uid: str
    file: bytes
    recent: pd.DataFrame
    expected: pd.DataFrame
    came: pd.Series

    @property
    def request(self) -> dict[str, Any]:
        """The request for the forecast."""
        return request_for(self.recent)

    @property
    def response(self) -> dict[str, Any]:
        """The response that is OpenSTEF's own prediction."""
        columns = (_numbers(name, self.expected[name]) for name in self.expected.columns)
        return {"outputs": [_times("time", self.expected.index), *columns]}


def train(targets: Sequence[Target], kind: str, processes: int) -> Iterable[Trained]:
    """Yield a pipeline for each target, in order.

    Args:
        targets: for which.
        kind: one of OpenSTEF's presets, such as "gblinear".
        processes: how many train at a time.
    """
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(_train_one, targets, [kind] * len(targets))


def new_workflow(uid: str, kind: str, storage: MLFlowStorage | None) -> CustomForecastingWorkflow:
    """Return a workflow for one target, not fitted.

    Args:
        uid: the target's.
        kind: one of OpenSTEF's presets.
        storage: keeps its models; None: nothing does.
    """
    return create_forecasting_workflow(
        ForecastingWorkflowConfig(
            model_id=uid,
            model=kind,
            quantiles=[Q(each) for each in QUANTILES],
            horizons=[LeadTime(HORIZON)],
            sample_interval=STEP,
            radiation_column="sun",
            wind_speed_column="wind",
            mlflow_storage=storage,
        )
    )


def fit(series: pd.DataFrame, kind: str, uid: str) -> tuple[ForecastingModel, ModelFitResult]:
    """Return a pipeline that is fitted to the days before START, and OpenSTEF's result of that."""
    model = new_workflow(uid, kind, None).model
    return model, model.fit(TimeSeriesDataset(series[START - TRAINING : START - STEP].copy(), STEP))


def known_at_start(series: pd.DataFrame) -> pd.DataFrame:
    """Return what a forecast is made of, without the load that is not known yet."""
    recent = series[START - _HISTORY : START + HORIZON - STEP].copy()
    recent.loc[START:, "load"] = np.nan
    return recent


def predicted(model: ForecastingModel, recent: pd.DataFrame) -> pd.DataFrame:
    """Return the quantiles that OpenSTEF predicts."""
    data = TimeSeriesDataset(recent.copy(), STEP)
    forecast = model.predict(data, forecast_start=START.to_pydatetime()).data
    return forecast[[each.format() for each in model.quantiles]]


def request_for(recent: pd.DataFrame) -> dict[str, Any]:
    """Return a request of the Open Inference Protocol for the forecast that begins at START."""
    start = recent.index[recent.index == START]
    columns = (_numbers(name, recent[name]) for name in recent.columns)
    return {"inputs": [_times("time", recent.index), _times("forecast_start", start), *columns]}


@cache
def _grid() -> Grid:
    return Grid()


def _train_one(target: Target, kind: str) -> Trained:
    series = _grid().series(target)
    model, _ = fit(series, kind, target.uid)
    recent = known_at_start(series)
    expected = predicted(model, recent)
    # `joblib.dump` would do as well: it takes eight times as long, and loading its file twice.
    file = pickle.dumps(model)
    return Trained(target.uid, file, recent, expected, series.load[START : START + HORIZON - STEP])


def _times(name: str, times: pd.DatetimeIndex) -> dict[str, Any]:
    seconds = times.as_unit("s").asi8.tolist()
    return {"name": name, "shape": [len(seconds)], "datatype": "INT64", "data": seconds}


def _numbers(name: str, values: pd.Series) -> dict[str, Any]:
    data = [None if np.isnan(each) else each for each in values.to_numpy().tolist()]
    return {"name": name, "shape": [len(data)], "datatype": "FP64", "data": data}
