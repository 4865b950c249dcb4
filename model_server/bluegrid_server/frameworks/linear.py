"""Linear models without their framework, one or many at a time.

A linear model of scikit-learn needs 100 us and more to look at its input again, which `tensors` has checked,
and 1 us to compute. Here only the computation is left: the same operations in the same order but for the sum,
so that an answer differs from scikit-learn's by rounding alone. Each estimator is compared when it is loaded;
one that does not agree keeps its own predict, of the others nothing else is kept.

Not here: several outputs, classifiers, subclasses of the estimators.
"""

from __future__ import annotations

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
        table: mean, scale and coefficients, of shape (3, k).
        intercept: a number.
        columns: names of the k features, if it was trained on a table that has them.

    Attributes:
        inputs: what it takes: rows.
    """

    __slots__ = ("inputs", "intercept", "table")

    outputs = (TensorSpec("y", (-1,)),)

    def __init__(self, table: NDArray[np.float64], intercept: float, columns: tuple[str, ...] = ()) -> None:
        self.table = table
        self.intercept = intercept
        self.inputs = _inputs(len(table[0]), columns)

    @property
    def features(self) -> int:
        """How many numbers a row has, k."""
        return len(self.table[0])

    def evaluate(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return one number a row, (n,); not finite where a step overflows."""
        return _evaluate(self.table[0], self.table[1], self.table[2], self.intercept, x)

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Predict for `x` (n, k), n >= 1; returns `y` (n,)."""
        x = inputs["x"]
        # What is no such table, NumPy would stretch to one.
        if x.ndim != 2 or not len(x) or x.shape[1] != self.features:
            raise ValueError(f"expected rows of {self.features} features, got an array of shape {x.shape}")
        if np.isnan(x).any():
            raise ValueError("Input X contains NaN.")  # in scikit-learn's words
        return {"y": self.evaluate(x)}


@cache
def _inputs(features: int, columns: tuple[str, ...]) -> tuple[TensorSpec, ...]:
    return (TensorSpec("x", (-1, features), columns=columns),)


def predict_many(models: Sequence[LinearModel], rows: Sequence[Sequence[float]]) -> NDArray[Any]:
    """Return one number (n,) for each of n models and its row of k; to the bit as each alone would."""
    tables = np.array([model.table for model in models])
    intercepts = np.array([model.intercept for model in models])
    return _evaluate(tables[:, 0], tables[:, 1], tables[:, 2], intercepts, np.array(rows, dtype=np.float64))


@np.errstate(all="ignore")
def _evaluate(
    mean: NDArray[Any], scale: NDArray[Any], coefficients: NDArray[Any], intercept: Any, x: NDArray[Any]
) -> NDArray[Any]:
    terms = x - mean
    terms /= scale
    terms *= coefficients
    return np.asarray(np.add.reduce(terms, axis=1) + intercept)


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
    got = model.evaluate(rows)
    room = _RTOL * (np.abs((rows - mean) / scale) @ np.abs(coefficients) + abs(model.intercept))
    return bool(
        expected.dtype == np.float64 and got.shape == expected.shape and (abs(got - expected) <= room).all()
    )
