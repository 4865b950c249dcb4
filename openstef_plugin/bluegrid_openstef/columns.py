"""The columns of a time series that a fitted model takes: features, and the target's past."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openstef_models.models.forecasting.base_case_forecaster import BaseCaseForecaster
from openstef_models.models.forecasting.constant_quantile_forecaster import ConstantQuantileForecaster
from openstef_models.models.forecasting.flatliner_forecaster import FlatlinerForecaster
from openstef_models.models.forecasting.median_forecaster import MedianForecaster
from openstef_models.transforms.validation import InputConsistencyChecker

from bluegrid_registry import ModelError

if TYPE_CHECKING:
    from openstef_models.models.forecasting_model import ForecastingModel

_OF_THE_TARGET_ALONE = (
    BaseCaseForecaster,
    ConstantQuantileForecaster,
    FlatlinerForecaster,
    MedianForecaster,
)
"""Forecasters without features; OpenSTEF's presets have no InputConsistencyChecker for them."""


def columns_of(model: ForecastingModel) -> tuple[str, ...]:
    """Return the names of the columns, in the order of the training.

    Raises:
        ModelError: the model does not know its columns.
    """
    made: set[str] = set()
    for step in model.preprocessing.transforms:
        if isinstance(step, InputConsistencyChecker):
            return tuple(name for name in step._feature_names if name not in made)
        made |= {*step.features_added()}
    if isinstance(model.forecaster, _OF_THE_TARGET_ALONE):
        return (model.target_column,)
    raise ModelError(
        "does not know its columns: put an InputConsistencyChecker first in its preprocessing, as presets do"
    )
