"""Linear models of scikit-learn without scikit-learn: 3 us a prediction instead of 150 (a pipeline: 400).

Nearly all of an estimator's time goes into looking at what the server has already checked. Only estimators
are taken whose arithmetic is known, by their exact class, and each is asked once whether it agrees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import linear_model
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from model_server.loaders import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_REGRESSORS = frozenset(
    {
        linear_model.ARDRegression,
        linear_model.BayesianRidge,
        linear_model.ElasticNet,
        linear_model.ElasticNetCV,
        linear_model.HuberRegressor,
        linear_model.Lars,
        linear_model.Lasso,
        linear_model.LassoCV,
        linear_model.LassoLars,
        linear_model.LinearRegression,
        linear_model.Ridge,
        linear_model.RidgeCV,
        linear_model.TheilSenRegressor,
    }
)
"""Those whose prediction is `x @ coef_ + intercept_`."""

_RTOL = 1e-9
"""How far it may be from the estimator: the order of a sum, and nothing else."""

_ROWS = np.random.default_rng(0).normal(size=(4, 1))
_OUTPUTS = (TensorSpec("y", (-1,)),)


class LinearModel:
    """`(x - mean) / scale @ coefficients + intercept`, all in double precision.

    Args:
        mean: (k,), of the scaler; None: it moves nothing.
        scale: (k,), of the scaler; None: it stretches nothing.
        coefficients: (k,).
        intercept: one number.
    """

    outputs = _OUTPUTS

    def __init__(
        self,
        mean: NDArray[np.float64] | None,
        scale: NDArray[np.float64] | None,
        coefficients: NDArray[np.float64],
        intercept: float,
    ) -> None:
        self._mean, self._scale = mean, scale
        self._coefficients, self._intercept = coefficients, intercept
        self.inputs = (TensorSpec("x", (-1, len(coefficients))),)

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Predict for `x` (n, k); returns `y` (n,)."""
        x = inputs["x"]
        # In scikit-learn's order, so that the result is the same to the last bits.
        if self._mean is not None:
            x = x - self._mean
        if self._scale is not None:
            x = x / self._scale
        return {"y": x @ self._coefficients + self._intercept}


def linear_of(estimator: Any) -> LinearModel | None:
    """Return an estimator as a LinearModel; None where it is none, or does not agree with it."""
    scaler = None
    regressor = estimator
    if type(estimator) is Pipeline and len(estimator) == 2:
        scaler, regressor = (step for _, step in estimator.steps)
        if type(scaler) is not StandardScaler:
            return None
    if type(regressor) not in _REGRESSORS:
        return None
    try:
        model = _built(scaler, regressor)
    # A file may have given it any state.
    except (AttributeError, TypeError, ValueError):
        return None
    return model if model is not None and _agrees(model, estimator) else None


def _built(scaler: Any, regressor: Any) -> LinearModel | None:
    mean = None if scaler is None or scaler.mean_ is None or not scaler.with_mean else _vector(scaler.mean_)
    scale = None if scaler is None or scaler.scale_ is None else _vector(scaler.scale_)
    coefficients, intercept = _vector(regressor.coef_), np.asarray(regressor.intercept_)
    if intercept.shape != () or any(v is not None and v.shape != coefficients.shape for v in (mean, scale)):
        return None
    return LinearModel(mean, scale, coefficients, float(intercept))


def _vector(values: Any) -> NDArray[np.float64]:
    vector: NDArray[np.float64] = np.array(values, dtype=np.float64)
    if vector.ndim != 1 or not len(vector) or not np.isfinite(vector).all():
        raise ValueError
    return vector


def _agrees(model: LinearModel, estimator: Any) -> bool:
    spread = model._scale if model._scale is not None else 1.0
    rows = _ROWS * spread + (model._mean if model._mean is not None else 0.0)
    rows = np.broadcast_to(rows, (len(_ROWS), model.inputs[0].shape[1])).copy()
    try:
        expected = np.asarray(estimator.predict(rows))
    # Whatever it raises, it is not for this module to say.
    except Exception:  # noqa: BLE001
        return False
    got = model.predict({"x": rows})["y"]
    # Relative to the terms of the sum, which may cancel out.
    size = np.abs(model._coefficients).sum() * np.abs(_ROWS).max() + abs(model._intercept)
    return expected.shape == got.shape and bool(np.allclose(got, expected, rtol=_RTOL, atol=_RTOL * size))
