"""Linear models of scikit-learn, reduced to their numbers.

Each is compared with its estimator when it is loaded. If they disagree, the estimator is kept and used;
otherwise it is dropped.

Not supported: several outputs, classifiers, subclasses of the estimators.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.frameworks.scikit_learn.parts import class_name, scaler_and_last, spread_rows

_LINEAR = {"LinearRegression", "Ridge", "Lasso", "ElasticNet"}

_RTOL = 1e-12
"""Relative to the sum of the terms' magnitudes, because if terms cancel out, only rounding is left."""
_ROWS = 8


def linear_of(estimator: Any, columns: tuple[str, ...] = ()) -> LinearModel | None:
    """Return the linear model of an estimator; None if the estimator is not linear, or the two disagree.

    Args:
        estimator: fitted.
        columns: names of the features, if known.
    """
    try:
        model = _read(estimator, columns)
        return model if model is not None and _agrees(model, estimator) else None
    # An estimator from a file can lack any attribute; then its own predict is used.
    except Exception:  # noqa: BLE001
        return None


def _read(estimator: Any, columns: tuple[str, ...]) -> LinearModel | None:
    scaler, last = scaler_and_last(estimator)
    coefficients = last.coef_ if class_name(last) in _LINEAR else None
    if coefficients is None or coefficients.ndim != 1 or np.ndim(last.intercept_) != 0:
        return None
    size = len(coefficients)
    if size != last.n_features_in_:
        return None
    mean = np.zeros(size) if scaler is None or not scaler.with_mean else scaler.mean_
    scale = np.ones(size) if scaler is None or not scaler.with_std else scaler.scale_
    table = np.array([mean, scale, coefficients], dtype=np.float64)
    model = LinearModel(table, float(last.intercept_), columns)
    return model if np.isfinite(model.table).all() and np.isfinite(model.intercept) else None


def _agrees(model: LinearModel, estimator: Any) -> bool:
    """Return whether model and estimator agree, on rows within and far outside of the training data."""
    mean, scale, coefficients = model.table
    rows = mean + scale * spread_rows(_ROWS, len(mean))
    expected = estimator.predict(rows)
    got = model.predict({"x": rows})["y"]
    tolerance = _RTOL * (np.abs((rows - mean) / scale) @ np.abs(coefficients) + abs(model.intercept))
    return bool(
        expected.dtype == np.float64
        and got.shape == expected.shape
        and (abs(got - expected) <= tolerance).all()
    )
