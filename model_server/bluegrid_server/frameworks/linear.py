"""Linear models without their framework, one or many at a time.

scikit-learn needs 100 us and more to check the input again, which `tensors` has checked, and 1 us to compute.
Here only the computation is left: the same operations in the same order but for the sum, so that an answer
differs from scikit-learn's by rounding alone.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.protocol.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


class LinearModel:
    """`((x - mean) / scale) @ coefficients + intercept`, for x of shape (n, k).

    Args:
        table: mean, scale and coefficients, of shape (3, k); (3, n, k) of n models that have one row each.
        intercept: a number, or n.
        columns: names of the k features, if it was trained on a table that has them.

    Attributes:
        inputs: what it takes: rows.
    """

    __slots__ = ("inputs", "intercept", "table")

    outputs = (TensorSpec("y", (-1,)),)

    def __init__(
        self,
        table: NDArray[np.float64],
        intercept: float | NDArray[np.float64],
        columns: tuple[str, ...] = (),
    ) -> None:
        self.table = table
        self.intercept = intercept
        self.inputs = _inputs(table.shape[-1], columns)

    @property
    def features(self) -> int:
        """How many numbers a row has, k."""
        return int(self.table.shape[-1])

    @np.errstate(all="ignore")
    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Predict for `x` (n, k), n >= 1; returns `y` (n,), not finite where a step overflows."""
        x = inputs["x"]
        mean, scale, coefficients = self.table
        # What is no such table, NumPy would stretch to one.
        if x.ndim != 2 or not len(x) or x.shape[1] != mean.shape[-1]:
            raise ValueError(f"expected rows of {self.features} features, got an array of shape {x.shape}")
        terms = x - mean
        terms /= scale
        terms *= coefficients
        y = np.add.reduce(terms, axis=1) + self.intercept
        # NaN goes through to the sum of all.
        if math.isnan(np.add.reduce(y)) and np.isnan(x).any():
            raise ValueError("Input X contains NaN.")  # in scikit-learn's words
        return {"y": y}


@cache
def _inputs(features: int, columns: tuple[str, ...]) -> tuple[TensorSpec, ...]:
    return (TensorSpec("x", (-1, features), columns=columns),)


def predict_many(models: Sequence[LinearModel], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one number (n,) for each of n models and its row, (n, k); to the bit as each alone would."""
    tables = np.array([model.table for model in models]).swapaxes(0, 1)
    together = LinearModel(tables, np.array([model.intercept for model in models]))
    return together.predict({"x": rows})["y"]
