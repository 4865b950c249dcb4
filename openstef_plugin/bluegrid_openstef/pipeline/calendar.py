"""Columns that follow from the time alone. Times are UTC, as in `openstef/joblib`."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from bluegrid_openstef.pipeline.step import Step
from bluegrid_openstef.pipeline.table import DAY
from bluegrid_registry import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bluegrid_openstef.pipeline.table import SeriesTable

_EPOCH = date(1970, 1, 1)
_THURSDAY = 3
"""The day of the week of 1970-01-01; Monday is 0."""
_SATURDAY, _SUNDAY = 5, 6
_PERIODS = {"season": 365.25, "day_of_week": 7, "month": 12, "time_of_day": DAY}
"""The cycles that OpenSTEF knows, in the order of their columns, and how long each is."""


@dataclass(frozen=True)
class Calendar:
    """The parts of times: `year`, `month` and `day_of_year` begin at 1, `day_of_week` at 0 for Monday."""

    days: NDArray[np.int64]
    year: NDArray[np.int64]
    month: NDArray[np.int64]
    day_of_year: NDArray[np.int64]
    day_of_week: NDArray[np.int64]
    second_of_day: NDArray[np.int64]

    @classmethod
    def of(cls, times: NDArray[np.int64]) -> Calendar:
        """Return the parts of seconds since 1970 in UTC."""
        days = times // DAY
        dates = days.astype("datetime64[D]")
        years, months = dates.astype("datetime64[Y]"), dates.astype("datetime64[M]").astype(np.int64)
        return cls(
            days,
            years.astype(np.int64) + 1970,
            months % 12 + 1,
            (dates - years).astype(np.int64) + 1,
            (days + _THURSDAY) % 7,
            times % DAY,
        )


class Cycles(Step):
    """Adds sine and cosine of the season, the week, the month and the time of day."""

    step: Literal["CyclicFeaturesAdder"] = "CyclicFeaturesAdder"
    cycles: tuple[Literal["season", "day_of_week", "month", "time_of_day"], ...]

    @property
    def makes(self) -> list[str]:
        """Names of the columns, in OpenSTEF's order."""
        return [f"{name}_{wave}" for name in _PERIODS if name in self.cycles for wave in ("sine", "cosine")]

    def transform(self, table: SeriesTable) -> None:
        """Add two columns for each cycle."""
        calendar = Calendar.of(table.rows)
        phases = {
            "season": calendar.day_of_year,
            "day_of_week": calendar.day_of_week,
            "month": calendar.month,
            "time_of_day": calendar.second_of_day,
        }
        for name, period in _PERIODS.items():
            if name in self.cycles:
                # In this order: another one rounds differently.
                angle = 2 * np.pi * phases[name] / period
                table.columns[f"{name}_sine"] = np.sin(angle)
                table.columns[f"{name}_cosine"] = np.cos(angle)


class Weekdays(Step):
    """Adds the kind of day, the month and the quarter."""

    step: Literal["DatetimeFeaturesAdder"] = "DatetimeFeaturesAdder"

    @property
    def makes(self) -> list[str]:
        """Names of the columns, in OpenSTEF's order."""
        return ["is_week_day", "is_weekend_day", "is_sunday", "month_of_year", "quarter_of_year"]

    def transform(self, table: SeriesTable) -> None:
        """Add a column for each part."""
        calendar = Calendar.of(table.rows)
        table.columns["is_week_day"] = (calendar.day_of_week < _SATURDAY).astype(np.float64)
        table.columns["is_weekend_day"] = (calendar.day_of_week >= _SATURDAY).astype(np.float64)
        table.columns["is_sunday"] = (calendar.day_of_week == _SUNDAY).astype(np.float64)
        table.columns["month_of_year"] = calendar.month.astype(np.float64)
        table.columns["quarter_of_year"] = ((calendar.month - 1) // 3 + 1).astype(np.float64)


class Holidays(Step):
    """Adds a column for each public holiday of a country, and one for all of them.

    The names are those that the training knew. OpenSTEF itself takes those of the last five years before
    today, so that a pipeline of last year may have other columns today.
    """

    step: Literal["HolidayFeatureAdder"] = "HolidayFeatureAdder"
    # The package looks it up as an attribute, whatever it names.
    country: str = Field(pattern="^[A-Z]{2}$")
    """Two letters of ISO 3166-1, such as `NL`."""
    names: tuple[str, ...]

    @property
    def makes(self) -> list[str]:
        """Names of the columns, in OpenSTEF's order."""
        return ["is_holiday", *(f"is_{name}" for name in self.names)]

    def prepare(self) -> None:
        """Import the package of holidays; ModelError if it does not know the country."""
        if not hasattr(import_module("holidays"), self.country):
            raise ModelError(f"has the country {self.country}, which the package of holidays does not know")

    def transform(self, table: SeriesTable) -> None:
        """Add the columns."""
        # All years of the series, as OpenSTEF asks the library, which may move a holiday into the next year.
        first, last = (int(each) for each in Calendar.of(table.times[[0, -1]]).year)
        of_day = holidays_of(self.country, first, last)
        numbers = {name: number for number, name in enumerate(self.names)}
        days, places = np.unique(Calendar.of(table.rows).days, return_inverse=True)
        found = [numbers.get(of_day.get(_EPOCH + timedelta(days=int(day)), ""), -1) for day in days]
        holiday = np.array(found, dtype=np.int64)[places]
        table.columns["is_holiday"] = (holiday >= 0).astype(np.float64)
        for name, number in numbers.items():
            table.columns[f"is_{name}"] = (holiday == number).astype(np.float64)


@lru_cache(maxsize=64)
def holidays_of(country: str, first: int, last: int) -> Mapping[date, str]:
    """Return the names of a country's holidays from one year to another, as the end of a column's name."""
    import holidays

    found = holidays.country_holidays(
        country, categories=["public"], years=range(first, last + 1), language="en_US"
    )
    return {day: _identifier(name) for day, name in found.items()}


def _identifier(name: str) -> str:
    """Return a name in lower-case ASCII letters, digits and single underscores."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "_".join(re.findall("[a-z0-9]+", plain))
