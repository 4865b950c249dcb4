"""Linear models without their framework, one or many at a time.

scikit-learn needs 100 us and more to check the input, which `tensors` has checked already, and 1 us to
compute. This module only computes: the same operations in the same order, except in the sum, so that answers
differ from scikit-learn's by rounding only.
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
        table: mean, scale and coefficients, of shape (3, k); (3, n, k) for n models with one row each.
        intercept: a number; (n,) for n models.
        columns: names of the k features; empty if the model was trained without names.

    Attributes:
        inputs: spec of the rows.
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
        """Number of features of a row, k."""
        return int(self.table.shape[-1])

    @np.errstate(all="ignore")
    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Predict for `x` (n, k), n >= 1; return `y` (n,), not finite where a step overflows."""
        x = inputs["x"]
        mean, scale, coefficients = self.table
        # Checked, because NumPy would broadcast an array of another shape.
        if x.ndim != 2 or not len(x) or x.shape[1] != mean.shape[-1]:
            raise ValueError(f"expected rows of {self.features} features, got an array of shape {x.shape}")
        terms = x - mean
        terms /= scale
        terms *= coefficients
        y = np.add.reduce(terms, axis=1) + self.intercept
        # NaN in any row makes the sum of all NaN, which is fast to check.
        if math.isnan(np.add.reduce(y)) and np.isnan(x).any():
            raise ValueError("Input X contains NaN.")  # the message of scikit-learn
        return {"y": y}


@cache
def _inputs(features: int, columns: tuple[str, ...]) -> tuple[TensorSpec, ...]:
    return (TensorSpec("x", (-1, features), columns=columns),)


def predict_many(models: Sequence[LinearModel], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one number for each of n models and its row (n, k): (n,), bit by bit as each model alone."""
    tables = np.array([model.table for model in models]).swapaxes(0, 1)
    together = LinearModel(tables, np.array([model.intercept for model in models]))
    return together.predict({"x": rows})["y"]
