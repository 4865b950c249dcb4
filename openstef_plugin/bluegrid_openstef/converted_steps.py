"""Turns each step of a fitted preprocessing into a step of `openstef/json`; needs OpenSTEF.

Exact classes alone: a subclass may compute anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from openstef_models.transforms.energy_domain import WindPowerFeatureAdder
from openstef_models.transforms.general import (
    EmptyFeatureRemover,
    Imputer,
    NaNDropper,
    OutlierHandler,
    SampleWeighter,
    Scaler,
    Selector,
)
from openstef_models.transforms.time_domain import (
    CyclicFeaturesAdder,
    DatetimeFeaturesAdder,
    HolidayFeatureAdder,
    LagsAdder,
)
from openstef_models.transforms.validation import (
    CompletenessChecker,
    FlatlineChecker,
    InputConsistencyChecker,
)
from openstef_models.transforms.weather_domain import (
    AtmosphereDerivedFeaturesAdder,
    DaylightFeatureAdder,
    RadiationDerivedFeaturesAdder,
)
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from bluegrid_openstef import converted_weather
from bluegrid_openstef.pipeline.calendar import Cycles, Holidays, Weekdays
from bluegrid_openstef.pipeline.checks import Completeness, Flatline
from bluegrid_openstef.pipeline.lags import Lag, Lags
from bluegrid_openstef.pipeline.numbers import Bounds, CompleteRows, Imputation, Removal, Scaling
from bluegrid_openstef.table_columns import TableColumns, name_of, not_as_data
from bluegrid_openstef.training_holidays import TrainingHolidays

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bluegrid_openstef.pipeline.document import AnyStep

_WEIGHT = "sample_weight"
"""The column with the weights of the training, which a forecast does not use: documents do not have it."""


def converted(step: Any, columns: TableColumns) -> AnyStep | None:
    """Return a step as data, and update the columns; None if it does nothing to a forecast.

    Raises:
        ModelError: the step or one of its settings has no form as data.
    """
    convert = _CONVERSIONS.get(type(step))
    if convert is None:
        raise not_as_data(f"has the step {name_of(step)}")
    return convert(step, columns)


def _seconds(duration: Any) -> int:
    seconds: int = round(duration.total_seconds())
    return seconds


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _needs_series(step: Any, columns: TableColumns) -> None:
    if columns.is_changed:
        raise not_as_data(f"{name_of(step)} comes after a step that changes values")


def _selector(step: Any, columns: TableColumns) -> None:
    if columns.selected(step.selection) != columns.names:
        raise not_as_data(f"{name_of(step)} leaves out columns after the first steps")


def _nothing(_step: Any, _columns: TableColumns) -> None:
    """The server checks the inputs by the model's specs."""


def _completeness(step: Any, columns: TableColumns) -> Completeness:
    _needs_series(step, columns)
    checked = step.columns or columns.names
    if not {*checked} <= {*columns.inputs}:
        raise not_as_data(f"{name_of(step)} comes after a step that adds columns")
    weights = step.weights or {}
    return Completeness(
        weights={name: float(weights.get(name, 1.0)) for name in checked},
        threshold=step.completeness_threshold,
    )


def _flatline(step: Any, columns: TableColumns) -> Flatline | None:
    _needs_series(step, columns)
    if not step.error_on_flatliner:
        return None
    return Flatline(
        column=step.load_column,
        seconds=_seconds(step.flatliner_threshold),
        is_median=step.detect_non_zero_flatliner,
        absolute_tolerance=step.absolute_tolerance,
        relative_tolerance=step.relative_tolerance,
    )


def _lags(step: Any, columns: TableColumns) -> Lags:
    _needs_series(step, columns)
    if len(step.horizons) != 1:
        raise not_as_data(f"{name_of(step)} has {len(step.horizons)} horizons")
    lags = []
    for lag in step.horizon_lags[step.horizons[0]]:
        fallback = None if step.lag_fallback_offset is None else lag + step.lag_fallback_offset
        if fallback is not None and fallback > step.history_available:
            fallback = None
        lags.append(
            Lag(
                column=step._lag_feature(lag),
                seconds=_seconds(lag),
                fallback=None if fallback is None else _seconds(fallback),
            )
        )
    columns.add(step, (lag.column for lag in lags))
    return Lags(target=step.target_column, lags=tuple(lags))


def _cycles(step: Any, columns: TableColumns) -> Cycles:
    made = Cycles(cycles=tuple(step.included_features))
    columns.add(step, made.makes)
    return made


def _holidays(step: Any, columns: TableColumns) -> Holidays:
    names = (name.removeprefix("is_") for name in step.features_added()[1:])
    made = Holidays(country=str(step.country_code), names=tuple(names))
    columns.add(step, made.makes)
    return made


def _weekdays(step: Any, columns: TableColumns) -> Weekdays:
    if step.onehot_encode:
        raise not_as_data(f"{name_of(step)} has onehot_encode")
    made = Weekdays()
    columns.add(step, made.makes)
    return made


def _bounds(step: Any, columns: TableColumns) -> Bounds | None:
    if step.outlier_action != "clip":
        raise not_as_data(f"{name_of(step)} has the action {step.outlier_action}")
    features = columns.selected(step.selection)
    if not features:
        return None
    columns.is_changed = True
    low, high = step._get_bounds(features)
    return Bounds(bounds={name: (_number(low[name]), _number(high[name])) for name in features})


def _scaling(step: Any, columns: TableColumns) -> Scaling:
    scaler = step._scaler
    if type(scaler) is not StandardScaler or not (scaler.with_mean and scaler.with_std):
        raise not_as_data(f"{name_of(step)} has the method {step.method}")
    columns.is_changed = True
    names = columns.fitted(step, scaler)
    return Scaling(
        mean={name: _number(each) for name, each in zip(names, scaler.mean_, strict=True)},
        scale={name: _number(each) for name, each in zip(names, scaler.scale_, strict=True)},
    )


def _weights(step: Any, columns: TableColumns) -> None:
    if step.sample_weight_column != _WEIGHT:
        raise not_as_data(f"{name_of(step)} has the column {step.sample_weight_column}")
    columns.add(step, [_WEIGHT])


def _removal(step: Any, columns: TableColumns) -> Removal | None:
    removed = [name for name in columns.names if name in step._remove_columns]
    columns.names = [name for name in columns.names if name not in removed]
    return Removal(removed=tuple(removed)) if removed else None


def _imputation(step: Any, columns: TableColumns) -> Imputation | None:
    if not columns.selected(step.selection):
        return None
    imputer = step._imputer
    if type(imputer) is not SimpleImputer or not np.isnan(step.missing_value):
        raise not_as_data(f"{name_of(step)} has the strategy {step.imputation_strategy} or a missing_value")
    columns.is_changed = True
    names = columns.fitted(step, imputer)
    return Imputation(
        values={
            name: float(value)
            for name, value in zip(names, imputer.statistics_, strict=True)
            if name != _WEIGHT
        },
        future=tuple(step.fill_future_values.resolve(names)),
    )


def _complete_rows(step: Any, columns: TableColumns) -> CompleteRows:
    columns.is_changed = True
    names = columns.selected(step.selection)
    return CompleteRows(columns=tuple(name for name in names if name != _WEIGHT))


_CONVERSIONS: Mapping[Any, Callable[[Any, TableColumns], AnyStep | None]] = {
    Selector: _selector,
    InputConsistencyChecker: _nothing,
    CompletenessChecker: _completeness,
    FlatlineChecker: _flatline,
    LagsAdder: _lags,
    WindPowerFeatureAdder: converted_weather.wind,
    AtmosphereDerivedFeaturesAdder: converted_weather.atmosphere,
    RadiationDerivedFeaturesAdder: converted_weather.radiation,
    DaylightFeatureAdder: converted_weather.daylight,
    CyclicFeaturesAdder: _cycles,
    HolidayFeatureAdder: _holidays,
    TrainingHolidays: _holidays,
    DatetimeFeaturesAdder: _weekdays,
    OutlierHandler: _bounds,
    Scaler: _scaling,
    SampleWeighter: _weights,
    EmptyFeatureRemover: _removal,
    Imputer: _imputation,
    NaNDropper: _complete_rows,
}
"""What converts each class of OpenSTEF's steps."""
