"""Linear models without their framework, one or many at a time.

A linear model of scikit-learn needs 100 us and more to look at its input again, which `tensors` has checked,
and 1 us to compute. Here only the computation is left: the same operations in the same order but for the sum,
so that an answer differs from scikit-learn's by rounding alone. Each estimator is compared when it is loaded;
one that does not agree keeps its own predict, of the others nothing else is kept.

Not here: several outputs, classifiers, subclasses of the estimators.
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

_LINEAR = {
    ("sklearn.linear_model._base", "LinearRegression"),
    ("sklearn.linear_model._ridge", "Ridge"),
    ("sklearn.linear_model._coordinate_descent", "Lasso"),
    ("sklearn.linear_model._coordinate_descent", "ElasticNet"),
}
_SCALER = ("sklearn.preprocessing._data", "StandardScaler")
_PIPELINE = ("sklearn.pipeline", "Pipeline")
_NO_STEP = ("passthrough", None)
"""What stands in a pipeline for a step that does nothing."""

_RTOL = 1e-12
"""Of the sum of the terms' magnitudes: where terms cancel out, their rounding is all that is left."""
_ROWS = 8


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


def linear_of(estimator: Any, columns: tuple[str, ...] = ()) -> LinearModel | None:
    """Return the linear model that an estimator of scikit-learn is; None when it is none, or disagrees.

    Args:
        estimator: fitted.
        columns: names of its features, if it knows them.
    """
    try:
        model = _read(estimator, columns)
        return model if model is not None and _agrees(model, estimator) else None
    # An estimator from a file can lack anything; its own predict then says so.
    except Exception:  # noqa: BLE001
        return None


def _read(estimator: Any, columns: tuple[str, ...]) -> LinearModel | None:
    scaler = None
    if _class_of(estimator) == _PIPELINE:
        steps = [step for _, step in estimator.steps if step not in _NO_STEP]
        if len(steps) == 2 and _class_of(steps[0]) == _SCALER:
            scaler, estimator = steps
        elif len(steps) == 1:
            (estimator,) = steps
    coefficients = estimator.coef_ if _class_of(estimator) in _LINEAR else None
    if coefficients is None or coefficients.ndim != 1 or np.ndim(estimator.intercept_) != 0:
        return None
    size = len(coefficients)
    if size != estimator.n_features_in_:
        return None
    mean = np.zeros(size) if scaler is None or not scaler.with_mean else scaler.mean_
    scale = np.ones(size) if scaler is None or not scaler.with_std else scaler.scale_
    table = np.array([mean, scale, coefficients], dtype=np.float64)
    model = LinearModel(table, float(estimator.intercept_), columns)
    return model if np.isfinite(model.table).all() and np.isfinite(model.intercept) else None


def _class_of(value: Any) -> tuple[str, str]:
    return type(value).__module__, type(value).__qualname__


@cache
def _around(features: int) -> NDArray[np.float64]:
    """Points near and far from 0; making them takes as long as an estimator's answer."""
    spread = np.geomspace(1e-3, 1e6, _ROWS)[:, np.newaxis]
    return spread * np.random.default_rng(0).normal(size=(_ROWS, features))


def _agrees(model: LinearModel, estimator: Any) -> bool:
    """Whether the model answers as its estimator on rows in and far outside of what it was trained on."""
    mean, scale, coefficients = model.table
    rows = mean + scale * _around(len(mean))
    expected = estimator.predict(rows)
    got = model.predict({"x": rows})["y"]
    room = _RTOL * (np.abs((rows - mean) / scale) @ np.abs(coefficients) + abs(model.intercept))
    return bool(
        expected.dtype == np.float64 and got.shape == expected.shape and (abs(got - expected) <= room).all()
    )
