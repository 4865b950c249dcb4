"""Steps that bound, scale, fill and leave out numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import model_validator

from bluegrid_openstef.pipeline.step import Step
from bluegrid_server.frameworks import InputError

if TYPE_CHECKING:
    from bluegrid_openstef.pipeline.table import SeriesTable


class Bounds(Step):
    """Clips columns to the range of the training."""

    step: Literal["OutlierHandler"] = "OutlierHandler"
    bounds: dict[str, tuple[float | None, float | None]]
    """The lowest and the highest value of each column; null: no such bound."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns with bounds."""
        return tuple(self.bounds)

    def transform(self, table: SeriesTable) -> None:
        """Clip the columns; a missing value stays missing."""
        for name, (low, high) in self.bounds.items():
            values = table.columns[name]
            if low is not None:
                values = np.where(values < low, low, values)
            if high is not None:
                values = np.where(values > high, high, values)
            table.columns[name] = values


class Scaling(Step):
    """Subtracts each column's mean, and divides by its standard deviation."""

    step: Literal["Scaler"] = "Scaler"
    mean: dict[str, float | None]
    scale: dict[str, float | None]
    """By column; null where the training had no value."""

    @model_validator(mode="after")
    def _has_one_scale_for_each_mean(self) -> Scaling:
        if self.mean.keys() != self.scale.keys():
            raise ValueError("mean and scale are not of the same columns")
        return self

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns with a mean."""
        return tuple(self.mean)

    def transform(self, table: SeriesTable) -> None:
        """Scale the columns; InputError if one is infinite."""
        for name, mean in self.mean.items():
            scale, values = self.scale[name], table.columns[name]
            if np.isinf(values).any():
                raise InputError(f"{name} is infinite in some row")
            table.columns[name] = (values - (np.nan if mean is None else mean)) / (
                np.nan if scale is None else scale
            )


class Removal(Step):
    """Removes the columns that the training had no value of."""

    step: Literal["EmptyFeatureRemover"] = "EmptyFeatureRemover"
    removed: tuple[str, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns to remove."""
        return self.removed

    @property
    def removes(self) -> tuple[str, ...]:
        """The columns to remove."""
        return self.removed

    def transform(self, table: SeriesTable) -> None:
        """Remove the columns."""
        for name in {*self.removed}:
            del table.columns[name]


class Imputation(Step):
    """Fills what is missing, up to the last known value of each column."""

    step: Literal["Imputer"] = "Imputer"
    values: dict[str, float]
    """The value for each column."""
    future: tuple[str, ...]
    """The columns that are also filled after their last known value."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns with a value."""
        return tuple(self.values)

    def transform(self, table: SeriesTable) -> None:
        """Fill the columns."""
        for name, value in self.values.items():
            values = table.columns[name]
            missing = np.isnan(values)
            filled = np.where(missing, value, values)
            if name not in self.future:
                known = np.flatnonzero(~missing)
                # OpenSTEF fills the first row of a series that has no known value.
                end = known[-1] + 1 if len(known) else int(table.first == 0)
                filled[end:] = np.nan
            table.columns[name] = filled


class CompleteRows(Step):
    """Leaves out the rows in which a value is missing."""

    step: Literal["NaNDropper"] = "NaNDropper"
    columns: tuple[str, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns that have to be complete."""
        return self.columns

    def transform(self, table: SeriesTable) -> None:
        """Leave out rows."""
        kept = np.ones(len(table.rows), dtype=np.bool_)
        for name in self.columns:
            kept &= ~np.isnan(table.columns[name])
        table.keep(kept)
