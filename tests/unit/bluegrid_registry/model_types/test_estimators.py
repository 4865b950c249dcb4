"""A model's estimators are those that its author composed it of, in whichever way it was fitted and saved."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingRegressor,
)
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

from bluegrid_registry import FormatError
from bluegrid_registry.model_types import estimators
from tests.support.samples import X, Y, joblib_bytes, zipped

CLASSES = {classes: np.arange(50) % classes for classes in (2, 3)}
TABLE = pd.DataFrame(X, columns=list("abc"))


class Own(BaseEstimator):  # type: ignore[misc]
    """An estimator of another package than scikit-learn."""

    def __init__(self, inner: Any = None) -> None:
        self.inner = inner


def short(names: tuple[str, ...]) -> list[str]:
    return [name.rpartition(".")[2] for name in names]


def of(model: Any) -> list[str]:
    """Return the estimators of a model, which must be the same in each of its files."""
    found = [estimators.of_pickle(joblib_bytes(model))]
    found += [estimators.of_pickle(pickle.dumps(model, protocol)) for protocol in (2, 5)]
    found.append(estimators.of_skops(skops.io.dumps(model)))
    assert len({frozenset(names) for names in found}) == 1, found
    return short(found[0])


def fitted(model: Any, x: Any = X, y: Any = Y) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(x, y)


SIBLINGS: dict[str, tuple[Any, Any]] = {
    "array and table": (fitted(Ridge()), fitted(Ridge(), TABLE)),
    "7 rows and 50": (fitted(KNeighborsRegressor(), X[:7], Y[:7]), fitted(KNeighborsRegressor())),
    "neighbours of 2 classes and 3": tuple(fitted(KNeighborsClassifier(), y=y) for y in CLASSES.values()),
    "boosters of 2 classes and 3": tuple(
        fitted(GradientBoostingClassifier(n_estimators=2), y=y) for y in CLASSES.values()
    ),
    "processes of 2 classes and 3": tuple(fitted(GaussianProcessClassifier(), y=y) for y in CLASSES.values()),
    "encoded targets of 2 classes and 3": tuple(
        fitted(make_pipeline(TargetEncoder(), LogisticRegression()), y=y) for y in CLASSES.values()
    ),
    "calibrations": tuple(
        fitted(CalibratedClassifierCV(LogisticRegression(), method=method, cv=2), y=CLASSES[2])
        for method in ("sigmoid", "isotonic")
    ),
    "solvers": tuple(
        fitted(MLPRegressor(hidden_layer_sizes=(2,), solver=name, max_iter=2))
        for name in ("adam", "lbfgs", "sgd")
    ),
    "float32 and float64": (fitted(Ridge(), X.astype(np.float32)), fitted(Ridge())),
    "labels of numbers and of words": (
        fitted(RandomForestClassifier(2), y=CLASSES[2]),
        fitted(RandomForestClassifier(2), y=np.where(CLASSES[2], "trip", "ok")),
    ),
    "best parameters": tuple(
        fitted(GridSearchCV(Ridge(), {"alpha": alphas}, cv=KFold(2))) for alphas in ([0.1], [1.0, 2.0])
    ),
    "the best of several": tuple(
        fitted(GridSearchCV(make_pipeline(Ridge()), {"ridge": choice}, cv=2))
        for choice in ([Ridge(), Lasso(9.0)], [Ridge(1e9), Lasso(0.01)])
    ),
    "kernels": tuple(
        fitted(GaussianProcessClassifier(kernel), y=CLASSES[2]) for kernel in (RBF(), RBF() + WhiteKernel())
    ),
    "one output and several": (fitted(Ridge()), fitted(Ridge(), y=np.c_[Y, Y])),
    "columns": tuple(
        fitted(make_pipeline(ColumnTransformer([("a", StandardScaler(), columns)]), Ridge()), TABLE)
        for columns in (["a"], [True, False, True], slice(0, 2))
    ),
    "random states": (
        fitted(RandomForestRegressor(2, random_state=1)),
        fitted(RandomForestRegressor(2, random_state=np.random.RandomState(1))),
    ),
    "stopping early": tuple(
        fitted(HistGradientBoostingRegressor(max_iter=3, early_stopping=early)) for early in (True, False)
    ),
}


@pytest.mark.parametrize("models", SIBLINGS.values(), ids=SIBLINGS)
def test_what_fitting_and_saving_add_does_not_count(models: tuple[Any, ...]) -> None:
    assert len({frozenset(of(model)) for model in models}) == 1


COMPOSED: dict[str, tuple[Any, list[str]]] = {
    "one": (Ridge(), ["Ridge"]),
    "a forest": (RandomForestRegressor(2), ["RandomForestRegressor"]),
    "a pipeline": (make_pipeline(StandardScaler(), Ridge()), ["Pipeline", "StandardScaler", "Ridge"]),
    "a search": (GridSearchCV(make_pipeline(Lasso()), {}, cv=2), ["GridSearchCV", "Pipeline", "Lasso"]),
    "a target": (TransformedTargetRegressor(Ridge()), ["TransformedTargetRegressor", "Ridge"]),
    "a vote": (VotingRegressor([("a", Ridge()), ("b", Lasso())]), ["VotingRegressor", "Ridge", "Lasso"]),
    "columns": (
        make_pipeline(ColumnTransformer([("a", OneHotEncoder(), [0])], remainder=StandardScaler()), Ridge()),
        ["Pipeline", "ColumnTransformer", "Ridge", "OneHotEncoder", "StandardScaler"],
    ),
}


@pytest.mark.parametrize(("model", "expected"), COMPOSED.values(), ids=COMPOSED)
def test_the_estimators_are_found_from_the_outermost_to_the_innermost(
    model: Any, expected: list[str]
) -> None:
    found = of(fitted(model))
    assert found[0] == expected[0]
    assert sorted(found) == sorted(expected)


def test_an_estimator_of_another_package_counts_and_its_parameters_too() -> None:
    assert of(Own(Own(fitted(Ridge())))) == ["Own", "Ridge"]
    assert of(make_pipeline(Own(), Ridge())) == ["Pipeline", "Own", "Ridge"]


def test_an_estimator_that_stands_twice_in_a_skops_file_is_found_where_it_is_a_parameter() -> None:
    shared = fitted(Ridge())
    model = Own(shared)
    model.fitted_ = model.before_ = shared
    assert short(estimators.of_skops(skops.io.dumps(model))) == ["Own", "Ridge"]


def test_columns_that_are_an_index_of_a_table_are_no_estimator() -> None:
    columns = ColumnTransformer([("a", StandardScaler(), TABLE.columns[:2])]).fit(TABLE)
    found = estimators.of_pickle(joblib_bytes(columns))
    assert short(found) == ["ColumnTransformer", "StandardScaler"]


def test_an_object_that_holds_itself_is_read_once() -> None:
    model = Own()
    model.inner = [model, {"again": model}]
    assert short(estimators.of_pickle(pickle.dumps(model))) == ["Own"]


@pytest.mark.parametrize("value", [1, "text", [1.5], {"a": None}, np.zeros(3)], ids=repr)
def test_a_pickle_of_something_else_has_none(value: Any) -> None:
    assert estimators.of_pickle(pickle.dumps(value)) == ()


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(FormatError, match="is not a readable pickle"):
        estimators.of_pickle(b"\x80\x04]")
    with pytest.raises(FormatError, match=r"has no schema\.json"):
        estimators.of_skops(zipped("other"))
    assert estimators.of_skops(zipped("schema.json")) == ()
