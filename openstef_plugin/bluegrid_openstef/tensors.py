"""The tensors of a forecasting model, whatever computes it: a time series in, quantiles out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry import ModelError
from bluegrid_server.frameworks import Datatype, InputError, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]

TIME, START = "time", "forecast_start"
"""Names of the tensors with times: INT64, seconds since 1970 in UTC."""
_EARLIEST, _LATEST = -2_208_988_800, 7_258_118_399
"""Of the years 1900 to 2199: holidays are computed for each year of a series, and pandas ends in 2262."""


def inputs_of(columns: Sequence[str]) -> tuple[TensorSpec, ...]:
    """Return the inputs of a model with these columns; ModelError if one has the name of another input."""
    if taken := {TIME, START} & {*columns}:
        raise ModelError(f"has a column named {min(taken)!r}, which is the name of an input; rename it")
    return (
        TensorSpec(TIME, (-1,), Datatype.INT64),
        *(TensorSpec(name, (-1,)) for name in columns),
        TensorSpec(START, (1,), Datatype.INT64, optional=True),
    )


def outputs_of(quantiles: Sequence[str]) -> tuple[TensorSpec, ...]:
    """Return the outputs of a model with these quantiles, such as `quantile_P50`."""
    return (TensorSpec(TIME, (-1,), Datatype.INT64), *(TensorSpec(name, (-1,)) for name in quantiles))


def check_series(inputs: Arrays, columns: Sequence[str]) -> None:
    """Check that the inputs are one series; InputError otherwise."""
    times = inputs[TIME]
    for name in columns:
        if len(inputs[name]) != len(times):
            raise InputError(f"{name} has {len(inputs[name])} values, {TIME} has {len(times)}")
    # First: differences of larger numbers overflow.
    _check_years(TIME, times)
    if len(times) < 2 or np.diff(times).min() <= 0:
        raise InputError(f"{TIME} needs two times or more, each later than the one before")


def start_of(inputs: Arrays) -> int | None:
    """Return the first step to forecast, or None for every step; InputError if it is out of range."""
    start = inputs.get(START)
    if start is None:
        return None
    _check_years(START, start)
    return int(start[0])


def without_steps(inputs: Arrays) -> InputError:
    """Return what is wrong with a series that has no forecast, though it is one."""
    start = start_of(inputs)
    if start is not None and start > inputs[TIME][-1]:
        return InputError(f"{START} is later than each {TIME}; give the steps to forecast in {TIME} too")
    return InputError("no step can be forecast: a feature is missing in each of them")


def _check_years(name: str, times: NDArray[np.int64]) -> None:
    if ((times < _EARLIEST) | (times > _LATEST)).any():
        raise InputError(f"{name} is outside of the years 1900 to 2199; give seconds since 1970")
