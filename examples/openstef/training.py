"""Trains a pipeline of OpenSTEF for each transformer, and records a forecast of each as its example."""

from __future__ import annotations

import io
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from openstef_core.datasets import TimeSeriesDataset
from openstef_core.types import LeadTime, Q
from openstef_models.presets import ForecastingWorkflowConfig, create_forecasting_workflow

from examples.openstef.grid import Grid, Transformer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from openstef_models.integrations.mlflow import MLFlowStorage
    from openstef_models.workflows import CustomForecastingWorkflow

QUANTILES = (0.1, 0.5, 0.9)
STEP = timedelta(minutes=15)
TRAINING = timedelta(days=60)
_HORIZON = timedelta(hours=48)
_HISTORY = timedelta(days=14)
_START = "2016-06-01T00:00Z"
"""When the forecast begins; the days before are the training."""


@dataclass(frozen=True)
class Trained:
    """A fitted pipeline.

    Attributes:
        uid: the transformer's.
        file: the pickle, as OpenSTEF's own storage writes it.
        request: of the Open Inference Protocol: the last two weeks, and the 48 h to forecast.
        response: what OpenSTEF itself predicts from them.
    """

    uid: str
    file: bytes
    request: dict[str, Any]
    response: dict[str, Any]


def train(transformers: Sequence[Transformer], kind: str, processes: int) -> Iterable[Trained]:
    """Yield a pipeline for each transformer, in order.

    Args:
        transformers: for which.
        kind: one of OpenSTEF's presets, such as "gblinear".
        processes: how many train at a time.
    """
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(_train_one, transformers, [kind] * len(transformers))


def new_workflow(uid: str, kind: str, storage: MLFlowStorage | None) -> CustomForecastingWorkflow:
    """Return a workflow for one transformer, not fitted.

    Args:
        uid: the transformer's.
        kind: one of OpenSTEF's presets.
        storage: keeps its models; None: nothing does.
    """
    return create_forecasting_workflow(
        ForecastingWorkflowConfig(
            model_id=uid,
            model=kind,
            quantiles=[Q(each) for each in QUANTILES],
            horizons=[LeadTime(_HORIZON)],
            sample_interval=STEP,
            radiation_column="sun",
            wind_speed_column="wind",
            mlflow_storage=storage,
        )
    )


@cache
def _grid() -> Grid:
    return Grid()


def _train_one(transformer: Transformer, kind: str) -> Trained:
    import pandas as pd

    series, start = _grid().series(transformer), pd.Timestamp(_START)
    model = new_workflow(transformer.uid, kind, None).model
    model.fit(TimeSeriesDataset(series[start - TRAINING : start - STEP].copy(), STEP))
    recent = series[start - _HISTORY : start + _HORIZON - STEP].copy()
    # What is to be forecast is not known yet.
    recent.loc[start:, "load"] = np.nan
    expected = model.predict(TimeSeriesDataset(recent.copy(), STEP), forecast_start=start.to_pydatetime())
    file = io.BytesIO()
    joblib.dump(model, file)
    quantiles = [each.format() for each in model.quantiles]
    return Trained(
        transformer.uid,
        file.getvalue(),
        {
            "inputs": [
                _times("time", recent.index),
                _times("forecast_start", recent.index[recent.index == start]),
                *(_numbers(name, recent[name]) for name in recent.columns),
            ]
        },
        {
            "outputs": [
                _times("time", expected.data.index),
                *(_numbers(name, expected.data[name]) for name in quantiles),
            ]
        },
    )


def _times(name: str, times: pd.DatetimeIndex) -> dict[str, Any]:
    seconds = times.as_unit("s").asi8.tolist()
    return {"name": name, "shape": [len(seconds)], "datatype": "INT64", "data": seconds}


def _numbers(name: str, values: pd.Series) -> dict[str, Any]:
    data = [None if np.isnan(each) else each for each in values.to_numpy().tolist()]
    return {"name": name, "shape": [len(data)], "datatype": "FP64", "data": data}
