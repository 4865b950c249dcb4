"""Lets a model find the holidays that its training knew.

OpenSTEF names the columns of holidays by the six years until today: in a later year, a fitted model can get
columns that it does not know, and lack others (findings/openstef-holidays-of-today.sh).
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from openstef_models.models.forecasting.gblinear_forecaster import GBLinearForecaster
from openstef_models.models.forecasting.lgbm_forecaster import LGBMForecaster
from openstef_models.models.forecasting.lgbmlinear_forecaster import LGBMLinearForecaster
from openstef_models.models.forecasting.xgboost_forecaster import XGBoostForecaster
from openstef_models.transforms.general import DimensionalityReducer, EmptyFeatureRemover, Selector
from openstef_models.transforms.time_domain import HolidayFeatureAdder

from bluegrid_openstef.columns import columns_of
from bluegrid_openstef.pipeline.calendar import holidays_of
from bluegrid_registry import ModelError

if TYPE_CHECKING:
    from openstef_core.datasets import TimeSeriesDataset
    from openstef_models.models.forecasting_model import ForecastingModel

_OLDEST = 10
"""How many years ago a model may have been trained."""
_YEARS_BEFORE = 5
"""How many years before today OpenSTEF asks for names."""
_PREFIX = "is_"
_OPENSTEF = "openstef_models.transforms."
"""Where OpenSTEF's own steps are."""


class TrainingHolidays(HolidayFeatureAdder):  # type: ignore[misc]
    """OpenSTEF's step with the names of the training.

    Attributes:
        names: of holidays, as the ends of the columns' names, in order.
    """

    names: tuple[str, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        """Be pickled as OpenSTEF's step: the names are found again, and no file needs this class."""
        step = HolidayFeatureAdder(**self.model_dump(exclude={"names"}))
        return object.__new__, (HolidayFeatureAdder,), step.__getstate__()

    def features_added(self) -> list[str]:
        """Return the names of the columns, in OpenSTEF's order."""
        return [f"{_PREFIX}holiday", *(f"{_PREFIX}{name}" for name in self.names)]

    def transform(self, data: TimeSeriesDataset) -> TimeSeriesDataset:
        """Return a copy of the series with the columns, 0 or 1."""
        years = data.index.year
        of_day = holidays_of(str(self.country_code), int(years.min()), int(years.max()))
        numbers = {name: number for number, name in enumerate(self.names)}
        found = np.array([numbers.get(of_day.get(day, ""), -1) for day in data.index.date])
        columns = np.column_stack([found >= 0, found[:, np.newaxis] == np.arange(len(numbers))])
        made = pd.DataFrame(columns.astype(int), data.index, self.features_added())
        return data.copy_with(pd.concat([data.data, made], axis=1))


def keep_holidays_of_training(model: ForecastingModel) -> None:
    """Give each step of holidays the names of the training, whatever the year is.

    A step stays as it is if no year of the last ten has these names, as where the package of holidays has
    other names now; or if a later step may have removed some, or the series has a column of such a name: what
    is left can be all names of another year. The same holds for a model that does not know its columns, which
    no pod serves.
    """
    columns = _columns_of(model.forecaster)
    try:
        inputs = {*columns_of(model)}
    except ModelError:
        return
    steps = [*model.preprocessing.transforms]
    for place, step in enumerate(steps):
        if type(step) is HolidayFeatureAdder and columns is not None:
            made = _features_of_any_year(step)
            if not made.isdisjoint(inputs) or any(_may_remove(later, made) for later in steps[place + 1 :]):
                continue
            others = {name for other in steps if other is not step for name in other.features_added()}
            fitted = {name for name in columns if name.startswith(_PREFIX)} - others - inputs
            steps[place] = _with_names(step, fitted)
    model.preprocessing.transforms = steps


def _years() -> range:
    """Return the years in which a model may have been trained, from this one back."""
    today = datetime.now(tz=UTC).year
    return range(today, today - _OLDEST, -1)


def _features_of_any_year(step: HolidayFeatureAdder) -> set[str]:
    names = set().union(*(_names(str(step.country_code), year) for year in _years()))
    return {f"{_PREFIX}{name}" for name in {"holiday", *names} - step.reserved_datetime_features}


def _may_remove(step: Any, features: set[str]) -> bool:
    """Return whether a step removes features, as far as it can be told: one of the user's own may."""
    if type(step) is Selector:
        return {*step.selection.resolve(sorted(features))} != features
    if type(step) is EmptyFeatureRemover:
        return not features.isdisjoint(step._remove_columns)
    return type(step) is DimensionalityReducer or not type(step).__module__.startswith(_OPENSTEF)


def _with_names(step: HolidayFeatureAdder, fitted: set[str]) -> HolidayFeatureAdder:
    """Return the step with the names of the latest year that has the columns of the training."""
    for year in _years():
        names = sorted(_names(str(step.country_code), year) - step.reserved_datetime_features)
        kept = TrainingHolidays(**step.model_dump(), names=tuple(names))
        if fitted == {*kept.features_added()}:
            return kept
    return step


@lru_cache
def _names(country: str, year: int) -> frozenset[str]:
    """Return the ends of the columns' names in a training of a year."""
    return frozenset(holidays_of(country, year - _YEARS_BEFORE, year).values()) - {""}


def _columns_of(forecaster: Any) -> Any:
    """Return the columns that a forecaster was fitted with; None: it has none, or is not OpenSTEF's own."""
    match forecaster:
        case XGBoostForecaster():
            return forecaster._xgboost_model.get_booster().feature_names
        case GBLinearForecaster():
            return forecaster._gblinear_model.get_booster().feature_names
        case LGBMForecaster():
            return forecaster._lgbm_model.model_feature_names
        case LGBMLinearForecaster():
            return forecaster._lgbmlinear_model.model_feature_names
        case _:
            return None
