"""A fitted forecasting model of OpenSTEF, as a pod calls it: tensors of a time series in, quantiles out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from openstef_core.datasets import TimeSeriesDataset

from bluegrid_openstef.columns import columns_of
from bluegrid_registry import ModelError
from bluegrid_server.frameworks import Datatype, InputError, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from openstef_models.models.forecasting_model import ForecastingModel

    Arrays = Mapping[str, NDArray[Any]]

TIME, START = "time", "forecast_start"
"""Names of the tensors with times: INT64, seconds since 1970 in UTC."""


class TargetModel:
    """A fitted `ForecastingModel`.

    Inputs: `time` (n,), a column (n,) for each feature and for the target's past, NaN where a value is
    missing, and `forecast_start` (1,), from which on the target is not known; without it, OpenSTEF
    forecasts every step. Outputs: `time` (m,) of the steps, and a quantile (m,) each.
    """

    def __init__(self, model: ForecastingModel) -> None:
        self._model = model
        self._columns = columns_of(model)
        if taken := {TIME, START} & {*self._columns}:
            raise ModelError(f"has a column named {min(taken)!r}, which is the name of an input; rename it")
        self.inputs = (
            TensorSpec(TIME, (-1,), Datatype.INT64),
            *(TensorSpec(name, (-1,)) for name in self._columns),
            TensorSpec(START, (1,), Datatype.INT64, optional=True),
        )
        self._quantiles = [each.format() for each in model.quantiles]
        self.outputs = (
            TensorSpec(TIME, (-1,), Datatype.INT64),
            *(TensorSpec(name, (-1,)) for name in self._quantiles),
        )

    def predict(self, inputs: Arrays) -> Arrays:
        """Return `time` (m,) and the quantiles (m,); InputError if the series is not one."""
        start = inputs.get(START)
        forecast = self._model.predict(
            data=self._dataset(inputs),
            forecast_start=None if start is None else pd.Timestamp(int(start[0]), unit="s", tz="UTC"),
        )
        times = forecast.data.index.as_unit("s").asi8
        # XGBoost's quantiles are FP32, which FP64 holds without loss.
        return {TIME: times, **{name: forecast.data[name].to_numpy(np.float64) for name in self._quantiles}}

    def _dataset(self, inputs: Arrays) -> TimeSeriesDataset:
        times = inputs[TIME]
        for name in self._columns:
            if len(inputs[name]) != len(times):
                raise InputError(f"{name} has {len(inputs[name])} values, {TIME} has {len(times)}")
        steps = np.diff(times)
        if not len(steps) or steps.min() <= 0:
            raise InputError(f"{TIME} needs two times or more, each later than the one before")
        index = pd.DatetimeIndex(times.astype("datetime64[s]").astype("datetime64[ns]"), tz="UTC")
        data = pd.DataFrame({name: inputs[name] for name in self._columns}, index=index)
        return TimeSeriesDataset(data, timedelta(seconds=int(steps.min())))
