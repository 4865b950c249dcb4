"""A fitted forecasting model of OpenSTEF, as a pod calls it: tensors of a time series in, quantiles out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from openstef_core.datasets import TimeSeriesDataset

from bluegrid_openstef.columns import columns_of
from bluegrid_openstef.tensors import TIME, check_series, inputs_of, outputs_of, start_of, without_steps

if TYPE_CHECKING:
    from openstef_models.models.forecasting_model import ForecastingModel

    from bluegrid_openstef.tensors import Arrays


class TargetModel:
    """A fitted `ForecastingModel`.

    Inputs: `time` (n,), a column (n,) for each feature and for the target's past, NaN where a value is
    missing, and `forecast_start` (1,), from which on the target is not known; without it, OpenSTEF
    forecasts every step. Outputs: `time` (m,) of the steps, and a quantile (m,) each.
    """

    def __init__(self, model: ForecastingModel) -> None:
        self._model = model
        self._columns = columns_of(model)
        self.inputs = inputs_of(self._columns)
        self._quantiles = [each.format() for each in model.quantiles]
        self.outputs = outputs_of(self._quantiles)

    def predict(self, inputs: Arrays) -> Arrays:
        """Return `time` (m,) and the quantiles (m,); InputError if the series has no forecast."""
        check_series(inputs, self._columns)
        start = start_of(inputs)
        forecast = self._model.predict(
            data=self._dataset(inputs),
            forecast_start=None if start is None else pd.Timestamp(start, unit="s", tz="UTC"),
        )
        times = forecast.data.index.as_unit("s").asi8
        # OpenSTEF drops steps without a value that the forecaster needs.
        if not len(times):
            raise without_steps(inputs)
        # XGBoost's quantiles are FP32, which FP64 holds without loss.
        return {TIME: times, **{name: forecast.data[name].to_numpy(np.float64) for name in self._quantiles}}

    def _dataset(self, inputs: Arrays) -> TimeSeriesDataset:
        times = inputs[TIME]
        index = pd.DatetimeIndex(times.astype("datetime64[s]").astype("datetime64[ns]"), tz="UTC")
        data = pd.DataFrame({name: inputs[name] for name in self._columns}, index=index)
        return TimeSeriesDataset(data, timedelta(seconds=int(np.diff(times).min())))
