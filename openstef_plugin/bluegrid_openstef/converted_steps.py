"""Turns each step of a fitted preprocessing into a step of `openstef/json`; needs OpenSTEF.

Exact classes alone: a subclass may compute anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pvlib
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
from openstef_models.transforms.time_domain.holiday_features_adder import get_holiday_names
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

from bluegrid_openstef.pipeline.calendar import Cycles, Holidays, Weekdays
from bluegrid_openstef.pipeline.checks import Completeness, Flatline
from bluegrid_openstef.pipeline.lags import Lag, Lags
from bluegrid_openstef.pipeline.light import Location
from bluegrid_openstef.pipeline.numbers import Bounds, CompleteRows, Imputation, Removal, Scaling
from bluegrid_openstef.pipeline.sun import Daylight, Radiation
from bluegrid_openstef.pipeline.weather import Atmosphere, WindPower
from bluegrid_registry import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bluegrid_openstef.pipeline.document import AnyStep

_WEIGHT = "sample_weight"
"""The column with the weights of the training, which a forecast does not use: documents do not have it."""


@dataclass
class TableColumns:
    """The columns of OpenSTEF's table before a step.

    Attributes:
        inputs: those of the series.
        names: all, in order.
        is_changed: whether a step has changed values or rows; the series is then not what later steps get.
    """

    inputs: tuple[str, ...]
    names: list[str] = field(default_factory=list)
    is_changed: bool = False

    def __post_init__(self) -> None:
        self.names = [*self.inputs]

    def add(self, step: Any, names: Iterable[str]) -> None:
        """Append the columns that a step adds."""
        for name in names:
            if name in self.names:
                raise not_as_data(f"{_name(step)} makes the column {name}, which the series has too")
            self.names.append(name)

    def selected(self, selection: Any) -> list[str]:
        """Return the columns that a step selects."""
        return [*selection.resolve(self.names)]

    def fitted(self, step: Any, estimator: Any) -> list[str]:
        """Return the columns that a step selects; ModelError if it was fitted with others."""
        names = self.selected(step.selection)
        if [*estimator.feature_names_in_] != names:
            raise not_as_data(f"{_name(step)} was fitted with other columns than it gets now; train it again")
        return names


def not_as_data(fault: str) -> ModelError:
    """Return the error of a pipeline that has no form as `openstef/json`."""
    return ModelError(f"{fault}: openstef/json does not know that; keep the pipeline as openstef/joblib")


def converted(step: Any, columns: TableColumns) -> AnyStep | None:
    """Return a step as data, and update the columns; None if it does nothing to a forecast.

    Raises:
        ModelError: the step or one of its settings has no form as data.
    """
    convert = _CONVERSIONS.get(type(step))
    if convert is None:
        raise not_as_data(f"has the step {_name(step)}")
    return convert(step, columns)


def _name(step: Any) -> str:
    return type(step).__name__


def _seconds(duration: Any) -> int:
    seconds: int = round(duration.total_seconds())
    return seconds


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _needs_series(step: Any, columns: TableColumns) -> None:
    if columns.is_changed:
        raise not_as_data(f"{_name(step)} comes after a step that changes values")


def _selector(step: Any, columns: TableColumns) -> None:
    if columns.selected(step.selection) != columns.names:
        raise not_as_data(f"{_name(step)} leaves out columns after the first steps")


def _nothing(_step: Any, _columns: TableColumns) -> None:
    """The server checks the inputs by the model's specs."""


def _completeness(step: Any, columns: TableColumns) -> Completeness:
    _needs_series(step, columns)
    checked = step.columns or columns.names
    if not {*checked} <= {*columns.inputs}:
        raise not_as_data(f"{_name(step)} comes after a step that adds columns")
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
        raise not_as_data(f"{_name(step)} has {len(step.horizons)} horizons")
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


def _wind(step: Any, columns: TableColumns) -> WindPower | None:
    if step.windspeed_reference_column not in columns.names:
        return None
    if step.windspeed_hub_height_column not in columns.names:
        columns.add(step, [step.windspeed_hub_height_column])
    columns.add(step, [step.feature_name])
    return WindPower(
        speed=step.windspeed_reference_column,
        reference_height=step.reference_height,
        hub_speed=step.windspeed_hub_height_column,
        hub_height=step.hub_height,
        rated_power=step.rated_power,
        steepness=step.steepness,
        slope_center=step.slope_center,
        power=step.feature_name,
    )


def _atmosphere(step: Any, columns: TableColumns) -> Atmosphere | None:
    there = {*columns.names}
    needed = {
        "saturation_vapour_pressure": {step.temperature_column},
        "vapour_pressure": {step.temperature_column, step.relative_humidity_column},
        "dewpoint": {step.temperature_column, step.relative_humidity_column},
        "air_density": {step.temperature_column, step.relative_humidity_column, step.pressure_column},
    }
    features = [name for name, needs in needed.items() if name in step.included_features and needs <= there]
    if not features:
        return None
    columns.add(step, features)
    return Atmosphere.model_validate(
        {
            "temperature": step.temperature_column,
            "humidity": step.relative_humidity_column,
            "pressure": step.pressure_column,
            "features": features,
        }
    )


def _radiation(step: Any, columns: TableColumns) -> Radiation | None:
    if step.radiation_column not in columns.names:
        return None
    made = Radiation(
        radiation=step.radiation_column,
        features=tuple(step.included_features),
        surface_tilt=step.surface_tilt,
        surface_azimuth=step.surface_azimuth,
        location=_location(step.coordinate),
    )
    columns.add(step, made.makes)
    return made


def _daylight(step: Any, columns: TableColumns) -> Daylight:
    made = Daylight(location=_location(step.coordinate))
    columns.add(step, made.makes)
    return made


def _location(coordinate: Any) -> Location:
    latitude, longitude = float(coordinate.latitude), float(coordinate.longitude)
    months = pd.DatetimeIndex([f"2015-{month:02}-15" for month in range(1, 13)], tz="UTC")
    turbidity = pvlib.clearsky.lookup_linke_turbidity(months, latitude, longitude, interp_turbidity=False)
    altitude = float(pvlib.location.Location(latitude, longitude).altitude)
    return Location(
        latitude=latitude,
        longitude=longitude,
        altitude=altitude,
        pressure=pvlib.atmosphere.alt2pres(altitude),
        turbidity=tuple(round(each * 20) for each in turbidity),
    )


def _cycles(step: Any, columns: TableColumns) -> Cycles:
    made = Cycles(cycles=tuple(step.included_features))
    columns.add(step, made.makes)
    return made


def _holidays(step: Any, columns: TableColumns) -> Holidays:
    names = get_holiday_names(step.country_code, step.reserved_datetime_features)
    made = Holidays(country=str(step.country_code), names=tuple(names))
    columns.add(step, made.makes)
    return made


def _weekdays(step: Any, columns: TableColumns) -> Weekdays:
    if step.onehot_encode:
        raise not_as_data(f"{_name(step)} has onehot_encode")
    made = Weekdays()
    columns.add(step, made.makes)
    return made


def _bounds(step: Any, columns: TableColumns) -> Bounds | None:
    if step.outlier_action != "clip":
        raise not_as_data(f"{_name(step)} has the action {step.outlier_action}")
    features = columns.selected(step.selection)
    if not features:
        return None
    columns.is_changed = True
    low, high = step._get_bounds(features)
    return Bounds(bounds={name: (_number(low[name]), _number(high[name])) for name in features})


def _scaling(step: Any, columns: TableColumns) -> Scaling:
    scaler = step._scaler
    if type(scaler) is not StandardScaler or not (scaler.with_mean and scaler.with_std):
        raise not_as_data(f"{_name(step)} has the method {step.method}")
    columns.is_changed = True
    names = columns.fitted(step, scaler)
    return Scaling(
        mean={name: _number(each) for name, each in zip(names, scaler.mean_, strict=True)},
        scale={name: _number(each) for name, each in zip(names, scaler.scale_, strict=True)},
    )


def _weights(step: Any, columns: TableColumns) -> None:
    if step.sample_weight_column != _WEIGHT:
        raise not_as_data(f"{_name(step)} has the column {step.sample_weight_column}")
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
        raise not_as_data(f"{_name(step)} has the strategy {step.imputation_strategy} or a missing_value")
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
    WindPowerFeatureAdder: _wind,
    AtmosphereDerivedFeaturesAdder: _atmosphere,
    RadiationDerivedFeaturesAdder: _radiation,
    DaylightFeatureAdder: _daylight,
    CyclicFeaturesAdder: _cycles,
    HolidayFeatureAdder: _holidays,
    DatetimeFeaturesAdder: _weekdays,
    OutlierHandler: _bounds,
    Scaler: _scaling,
    SampleWeighter: _weights,
    EmptyFeatureRemover: _removal,
    Imputer: _imputation,
    NaNDropper: _complete_rows,
}
"""What converts each class of OpenSTEF's steps."""
