"""The target's past as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from bluegrid_openstef.pipeline.step import PipelinePart, Seconds, Step

if TYPE_CHECKING:
    from bluegrid_openstef.pipeline.table import SeriesTable


class Lag(PipelinePart):
    """A column with the target of so many seconds ago."""

    column: str
    seconds: Seconds
    fallback: Seconds | None = None
    """The seconds of an earlier value, where the first is missing."""


class Lags(Step):
    """Adds columns with earlier values of the target."""

    step: Literal["LagsAdder"] = "LagsAdder"
    target: str
    lags: tuple[Lag, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The target."""
        return (self.target,)

    @property
    def makes(self) -> list[str]:
        """Names of the columns, in OpenSTEF's order."""
        return [lag.column for lag in self.lags]

    def transform(self, table: SeriesTable) -> None:
        """Add a column for each lag."""
        for lag in self.lags:
            values = table.earlier(self.target, lag.seconds)
            if lag.fallback is not None:
                values = np.where(np.isnan(values), table.earlier(self.target, lag.fallback), values)
            table.columns[lag.column] = values
