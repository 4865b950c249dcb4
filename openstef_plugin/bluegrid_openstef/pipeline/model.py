"""A loaded pipeline, as a pod calls it: tensors of a time series in, quantiles out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bluegrid_openstef.pipeline.table import SeriesTable
from bluegrid_openstef.tensors import TIME, check_series, inputs_of, outputs_of, start_of, without_steps
from bluegrid_registry import ModelError

if TYPE_CHECKING:
    from collections.abc import Collection

    from bluegrid_openstef.pipeline.document import PipelineDocument
    from bluegrid_openstef.tensors import Arrays

_MOST_NAMED = 50
"""Columns that an error names; the pipelines of presets have about as many."""


class PipelineModel:
    """A pipeline of `openstef/json`, with the inputs, outputs and answers of the same one in OpenSTEF.

    Raises:
        ModelError: the document contradicts itself.
        ImportError: a package that it needs is not installed.
    """

    def __init__(self, document: PipelineDocument) -> None:
        self._columns = document.columns
        self.inputs = inputs_of(self._columns)
        _check_columns(document)
        self._steps = document.preprocessing
        self._features = document.forecaster.columns
        self._cutoff = document.cutoff
        self._predict = document.forecaster.predictor()
        for step in self._steps:
            step.prepare()
        names = tuple(document.quantiles)
        self.outputs = outputs_of(names)
        found = self._predict(np.zeros((1, len(self._features)))).shape[1]
        if found != len(names):
            raise ModelError(f"has {len(names)} quantiles, and its forecaster gives {found}")
        self._is_sorted = document.is_sorted
        self._quantiles = sorted(names, key=document.quantiles.__getitem__) if self._is_sorted else names

    def predict(self, inputs: Arrays) -> Arrays:
        """Return `time` (m,) and the quantiles (m,); InputError if the series has no forecast."""
        check_series(inputs, self._columns)
        start = start_of(inputs)
        table = self._table(inputs, start)
        values = self._predict(np.column_stack([table.columns[name] for name in self._features]))
        if self._is_sorted:
            values = np.sort(values, axis=1)
        # FP64 holds FP32 without loss.
        columns = values.T.astype(np.float64)
        return {TIME: table.rows, **dict(zip(self._quantiles, columns, strict=True))}

    def _table(self, inputs: Arrays, start: int | None) -> SeriesTable:
        series = {name: inputs[name] for name in self._columns}
        table = SeriesTable.of(inputs[TIME], series, start)
        if len(table.rows):
            # Values that are missing or out of range become NaN, which later steps expect.
            with np.errstate(all="ignore"):
                for step in self._steps:
                    step.transform(table)
        if start is None and len(table.rows):
            table.keep(table.rows >= table.rows[0] + self._cutoff)
        if not len(table.rows):
            raise without_steps(inputs)
        return table


def _check_columns(document: PipelineDocument) -> None:
    """Raise ModelError if a step or the forecaster needs a column that there is not when its turn comes."""
    series = {*document.columns}
    there = series
    for place, step in enumerate(document.preprocessing):
        user = f"preprocessing.{place}.{step.step}"
        _check_user(user, step.reads, series)
        _check_user(user, step.needs, there)
        there = (there | {*step.makes}) - {*step.removes}
    _check_user("forecaster", document.forecaster.columns, there)


def _check_user(user: str, needed: Collection[str], there: Collection[str]) -> None:
    missing = next((name for name in needed if name not in there), None)
    if missing is not None:
        raise ModelError(f"has no column {missing!r} for {user}; there are {_listed(there)}")


def _listed(columns: Collection[str]) -> str:
    named = sorted(columns)
    more = len(named) - _MOST_NAMED
    text = ", ".join(map(repr, named[:_MOST_NAMED])) or "none"
    return f"{text} and {more} more" if more > 0 else text
