"""The series of a request, and the columns of the rows that are forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

DAY = 86400
"""Seconds of a day."""


@dataclass
class SeriesTable:
    """A time series while the steps of a pipeline add and change its columns.

    Steps look at one row at a time, so only rows to forecast have columns. What looks at more, such as lags,
    reads the series.

    Attributes:
        times: (n,) seconds since 1970 in UTC, ascending.
        series: the inputs (n,) by name, as they came; NaN where a value is missing.
        first: the first row to forecast.
        rows: (m,) the times of the rows to forecast.
        columns: the columns (m,) of these rows.
    """

    times: NDArray[np.int64]
    series: Mapping[str, NDArray[np.float64]]
    first: int
    rows: NDArray[np.int64]
    columns: dict[str, NDArray[Any]]

    @classmethod
    def of(
        cls, times: NDArray[np.int64], series: Mapping[str, NDArray[np.float64]], start: int | None
    ) -> SeriesTable:
        """Return the table of a series; `start` is the first time to forecast, None for all rows."""
        first = 0 if start is None else int(np.searchsorted(times, start))
        return cls(times, series, first, times[first:], {name: each[first:] for name, each in series.items()})

    def earlier(self, name: str, seconds: int) -> NDArray[np.float64]:
        """Return what a series had so many seconds before each row; NaN where it has no such time."""
        wanted = self.rows - seconds
        places = np.minimum(np.searchsorted(self.times, wanted), len(self.times) - 1)
        return np.where(self.times[places] == wanted, self.series[name][places], np.nan)

    def keep(self, kept: NDArray[np.bool_]) -> None:
        """Drop the rows that are not kept."""
        self.rows = self.rows[kept]
        self.columns = {name: each[kept] for name, each in self.columns.items()}
