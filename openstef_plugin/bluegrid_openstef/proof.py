"""Proves that a pipeline as data forecasts as OpenSTEF does, on made-up series; needs OpenSTEF."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bluegrid_openstef.forecasting import TargetModel
from bluegrid_openstef.pipeline.document import PipelineDocument
from bluegrid_openstef.pipeline.lags import Lags
from bluegrid_openstef.pipeline.model import PipelineModel
from bluegrid_openstef.pipeline.numbers import Scaling
from bluegrid_openstef.pipeline.table import DAY
from bluegrid_openstef.tensors import START, TIME
from bluegrid_registry import ModelError

if TYPE_CHECKING:
    from openstef_models.models.forecasting_model import ForecastingModel

    from bluegrid_openstef.tensors import Arrays

_STEP, _AHEAD = 3600, 2 * DAY
"""Seconds: of a step, and of the forecast. Hours make fewer rows than quarters, with the same columns."""
_STARTS = {"2025-12-31T12:00": 0.0, "2028-02-28T06:00": 0.1}
"""First steps to forecast, over the end of a year and a leap day; the share of values that are missing."""


def prove(model: ForecastingModel, document: PipelineDocument) -> None:
    """Compare forecasts to the bit; ModelError if one differs, or there is none to compare."""
    openstef = TargetModel(model)
    try:
        data = PipelineModel(PipelineDocument.parse(document.to_bytes()))
    except ModelError as error:
        raise ModelError(f"{error}; keep the pipeline as openstef/joblib") from None
    for start, missing in _STARTS.items():
        inputs = _series(document, int(np.datetime64(start, "s").astype(np.int64)), missing)
        try:
            expected, found = openstef.predict(inputs), data.predict(inputs)
        # Each check of OpenSTEF has an exception of its own.
        except Exception as error:
            raise ModelError(
                f"cannot be compared by a made-up series: {type(error).__name__}: {error}; "
                "keep the pipeline as openstef/joblib"
            ) from error
        for name, values in expected.items():
            if values.tobytes() != found[name].tobytes():
                raise ModelError(
                    f"{name} would not be OpenSTEF's as openstef/json; keep the pipeline as openstef/joblib"
                )


def _series(document: PipelineDocument, start: int, missing: float) -> Arrays:
    """Return the inputs of a request with values such as the training had."""
    generator = np.random.default_rng(0)
    history = max(
        (
            max(lag.seconds, lag.fallback or 0)
            for step in document.preprocessing
            if isinstance(step, Lags)
            for lag in step.lags
        ),
        default=DAY,
    )
    times = np.arange(start - history - DAY, start + _AHEAD, _STEP, dtype=np.int64)
    scales = {
        name: (mean, step.scale[name])
        for step in document.preprocessing
        if isinstance(step, Scaling)
        for name, mean in step.mean.items()
    }
    target = document.forecaster.target
    inputs: dict[str, np.ndarray] = {TIME: times, START: np.array([start], dtype=np.int64)}
    for name in document.columns:
        # Only the target is not scaled.
        usual = (target.mean, target.scale) if target is not None else (10.0, 3.0)
        mean, scale = scales.get(name, usual)
        values = (mean or 0.0) + 2 * (scale or 1.0) * generator.uniform(-1, 1, len(times))
        values[generator.random(len(times)) < missing] = np.nan
        inputs[name] = values
    return inputs
