"""Linear models that answer without scikit-learn, and those that must not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import linear_model
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from model_server.loaders.linear import LinearModel, linear_of
from model_server.loaders.scikit_learn import SklearnModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

RANDOM = np.random.default_rng(118)
X = RANDOM.normal(size=(60, 3)) * [1.0, 1000.0, 1e-3] + [0.0, 5e4, 1.0]
Y = X @ [1.0, 0.002, -300.0] + RANDOM.normal(size=60)

REGRESSORS = [
    linear_model.LinearRegression(),
    linear_model.LinearRegression(fit_intercept=False),
    linear_model.Ridge(),
    linear_model.Lasso(alpha=0.01),
    linear_model.ElasticNet(alpha=0.01),
    linear_model.BayesianRidge(),
    linear_model.RidgeCV(),
]


@pytest.mark.parametrize("regressor", REGRESSORS, ids=repr)
@pytest.mark.parametrize(
    "scaler",
    [None, StandardScaler(), StandardScaler(with_mean=False), StandardScaler(with_std=False)],
    ids=repr,
)
def test_a_linear_model_answers_as_the_estimator_does(scaler: Any, regressor: Any) -> None:
    estimator = (make_pipeline(scaler, regressor) if scaler else regressor).fit(X, Y)
    model = linear_of(estimator)
    assert model is not None
    rows = RANDOM.normal(size=(20, 3)) * X.std(axis=0) * 10 + X.mean(axis=0)
    assert model.predict({"x": rows})["y"] == pytest.approx(estimator.predict(rows), rel=1e-12, abs=1e-9)
    real = SklearnModel(estimator)
    assert (model.inputs, model.outputs) == (real.inputs, real.outputs)


RIDGE = make_pipeline(StandardScaler(), linear_model.Ridge()).fit(X, Y)
SHORT = linear_of(RIDGE)


@given(st.lists(st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=3), min_size=1, max_size=5))
def test_it_does_whatever_the_rows_are(rows: list[list[float]]) -> None:
    assert SHORT is not None
    got = SHORT.predict({"x": np.array(rows)})["y"]
    assert got == pytest.approx(RIDGE.predict(rows), rel=1e-9, abs=1e-3)


class Doubled(linear_model.Ridge):  # type: ignore[misc]
    """A Ridge in name."""

    def predict(self, rows: NDArray[Any]) -> Any:
        return super().predict(rows) * 2


@pytest.mark.parametrize(
    "estimator",
    [
        Doubled(),
        RandomForestRegressor(2),
        linear_model.SGDRegressor(),
        make_pipeline(MinMaxScaler(), linear_model.Ridge()),
        make_pipeline(StandardScaler(), StandardScaler(), linear_model.Ridge()),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_what_is_not_known_to_be_linear_keeps_its_own_prediction(estimator: Any) -> None:
    assert isinstance(SklearnModel.of(estimator.fit(X, Y)), SklearnModel)


def test_an_estimator_that_says_otherwise_keeps_its_own_prediction() -> None:
    estimator = linear_model.Ridge().fit(X, Y)
    estimator.predict = lambda rows: np.zeros(len(rows))
    assert linear_of(estimator) is None


@pytest.mark.parametrize("name", ["coef_", "intercept_"])
@pytest.mark.parametrize("state", ["a word", None, np.full(3, np.nan), np.ones((2, 3)), np.ones(4)])
def test_state_that_is_none_of_a_linear_model_is_left_to_the_estimator(name: str, state: object) -> None:
    estimator = linear_model.Ridge().fit(X, Y)
    setattr(estimator, name, state)
    assert linear_of(estimator) is None


def test_several_outputs_are_left_to_the_estimator() -> None:
    assert linear_of(linear_model.Ridge().fit(X, np.stack([Y, Y], axis=1))) is None


def test_the_loader_takes_the_short_way() -> None:
    assert isinstance(SklearnModel.of(RIDGE), LinearModel)
