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

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Predict for `x` (n, k), n >= 1; return `y` (n,), not finite where the sum overflows.

        Raises:
            ValueError: scikit-learn would refuse the rows, with its message.
        """
        x = inputs["x"]
        y = self.compute(x)
        # A sum that is not finite is fast to check; NaN in any row makes it NaN.
        if not math.isfinite(np.add.reduce(y)):
            mean, scale, _ = self.table
            _check_finite(x, "NaN")
            # What the scaler gives is the input of the next step, which checks it too.
            with np.errstate(all="ignore"):
                _check_finite((x - mean) / scale, "infinity or a value too large for dtype('float64')")
        return {"y": y}

    @np.errstate(all="ignore")
    def compute(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Return `y` for `x` without checks of the values."""
        mean, scale, coefficients = self.table
        # Checked, because NumPy would broadcast an array of another shape.
        if x.ndim != 2 or not len(x) or x.shape[1] != mean.shape[-1]:
            raise ValueError(f"expected rows of {self.features} features, got an array of shape {x.shape}")
        terms = x - mean
        terms /= scale
        terms *= coefficients
        y: NDArray[np.float64] = np.add.reduce(terms, axis=1) + self.intercept
        return y


def _check_finite(x: NDArray[Any], fault: str) -> None:
    if not np.isfinite(x).all():
        raise ValueError(f"Input X contains {fault}.")  # the message of scikit-learn


@cache
def _inputs(features: int, columns: tuple[str, ...]) -> tuple[TensorSpec, ...]:
    return (TensorSpec("x", (-1, features), columns=columns),)


def predict_many(models: Sequence[LinearModel], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one number for each of n models and its row (n, k): (n,), bit by bit as each model alone.

    Values are not checked: where the number is not finite, the model alone may refuse the row.
    """
    tables = np.array([model.table for model in models]).swapaxes(0, 1)
    together = LinearModel(tables, np.array([model.intercept for model in models]))
    return together.compute(rows)
