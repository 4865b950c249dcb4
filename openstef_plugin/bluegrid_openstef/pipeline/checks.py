"""Checks of the whole series, as it came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from bluegrid_openstef.pipeline.step import Seconds, Step
from bluegrid_server.frameworks import InputError

if TYPE_CHECKING:
    from bluegrid_openstef.pipeline.table import SeriesTable


class Completeness(Step):
    """Refuses a series of which too many values are missing."""

    step: Literal["CompletenessChecker"] = "CompletenessChecker"
    weights: dict[str, float]
    """The weight of each column."""
    threshold: float
    """The weighted share of values that a series needs."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns with a weight."""
        return tuple(self.weights)

    def transform(self, table: SeriesTable) -> None:
        """Refuse the series, or leave it as it is."""
        complete = total = 0.0
        for name, weight in self.weights.items():
            values = table.series[name]
            complete += weight * (1.0 - np.isnan(values).sum() / len(values))
            total += weight
        share = complete / total if total > 0 else 0.0
        if share < self.threshold:
            raise InputError(f"The dataset is not sufficiently complete. Completeness: {share:.2f}")


class Flatline(Step):
    """Refuses a target whose last values are all the same."""

    step: Literal["FlatlineChecker"] = "FlatlineChecker"
    column: str
    seconds: Seconds
    """How long the target has to be constant."""
    is_median: bool
    """Whether values are compared with their median, otherwise with 0."""
    absolute_tolerance: float
    relative_tolerance: float

    @property
    def reads(self) -> tuple[str, ...]:
        """The target."""
        return (self.column,)

    def transform(self, table: SeriesTable) -> None:
        """Refuse the series, or leave it as it is."""
        values = table.series[self.column]
        known = np.flatnonzero(~np.isnan(values))
        if not len(known):
            return
        since = np.searchsorted(table.times, table.times[known[-1]] - self.seconds)
        recent = values[known[known >= since]]
        constant = np.median(recent) if self.is_median else 0
        if np.isclose(recent, constant, rtol=self.relative_tolerance, atol=self.absolute_tolerance).all():
            raise InputError("Flatliner detected in the provided load data.")
