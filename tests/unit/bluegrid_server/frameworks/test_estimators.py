"""Inputs and answers of scikit-learn models of all kinds."""

from __future__ import annotations

import re
import threading
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.cluster import DBSCAN
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    BaggingRegressor,
    IsolationForest,
    RandomForestRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.feature_extraction import DictVectorizer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor, LocalOutlierFactor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    Normalizer,
    PowerTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from bluegrid_registry import ModelError
from bluegrid_server.errors import PredictionError
from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel
from bluegrid_server.protocol.tensor_spec import TensorSpec
from tests.support.model_requests import infer, predict

RANDOM = np.random.default_rng(21)
X = RANDOM.uniform(1, 9, size=(60, 3))
Y = X @ [1.0, -2.0, 0.5]
NAMES = ("wind speed", "负荷", "hour")
TABLE = pd.DataFrame(X, columns=list(NAMES))


def passing(*steps: Any) -> Pipeline:
    return Pipeline([(f"step {number}", step) for number, step in enumerate(steps)])


KINDS: list[Any] = [
    Ridge(),
    make_pipeline(StandardScaler(), Ridge()),
    make_pipeline(MinMaxScaler(), RandomForestRegressor(3, random_state=0)),
    make_pipeline(make_union(PCA(1), StandardScaler()), Ridge()),
    passing("passthrough", Ridge()),
    passing("passthrough", None, DecisionTreeRegressor(max_depth=2)),
    passing("passthrough", StandardScaler(), Ridge()),
    passing(passing("passthrough"), passing("passthrough", MinMaxScaler()), Ridge()),
    passing(FeatureUnion([("a", "drop"), ("b", MinMaxScaler())]), Ridge()),
    passing(FeatureUnion([("a", "passthrough"), ("b", MinMaxScaler())]), Ridge()),
    make_pipeline(ColumnTransformer([("a", StandardScaler(), [0, 2])], remainder="passthrough"), Ridge()),
    GridSearchCV(passing("passthrough", Ridge()), {"step 1__alpha": [1.0, 2.0]}, cv=2),
    TransformedTargetRegressor(passing("passthrough", Ridge())),
    TransformedTargetRegressor(Ridge()),
    VotingRegressor([("a", passing("passthrough", Ridge())), ("b", Ridge(alpha=9))]),
    StackingRegressor([("a", passing("passthrough", Ridge())), ("b", Ridge(alpha=9))], cv=2),
    BaggingRegressor(Ridge(), n_estimators=2, random_state=0),
]


def named(estimator: Any) -> str:
    return " ".join(repr(estimator).split())[:80]


# A pod ignores it, as a test of one shows.
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
@pytest.mark.parametrize("estimator", KINDS, ids=named)
def test_a_model_takes_the_columns_that_it_was_fitted_on_in_their_order(estimator: Any) -> None:
    with_names = sklearn.clone(estimator).fit(TABLE, Y)
    model = SklearnModel.of(with_names)
    assert model.inputs == (TensorSpec("x", (-1, 3), columns=NAMES),)
    assert model.predict({"x": X})["y"] == pytest.approx(with_names.predict(TABLE), rel=1e-12)
    without = SklearnModel.of(sklearn.clone(estimator).fit(X, Y))
    assert without.inputs == (TensorSpec("x", (-1, 3)),)


@pytest.mark.parametrize("first", ["passthrough", None])
def test_a_linear_model_behind_a_step_that_does_nothing_is_one(first: str | None) -> None:
    estimator = passing(first, StandardScaler(), Ridge()).fit(X, Y)
    model = SklearnModel.of(estimator)
    assert isinstance(model, LinearModel)
    assert model.predict({"x": X})["y"] == pytest.approx(estimator.predict(X), rel=1e-12)


class Averaging(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A custom estimator that computes in parallel by itself, with the given backend."""

    def __init__(self, backend: str | None) -> None:
        self.backend = backend

    def fit(self, x: Any, _: Any) -> Averaging:
        self.n_features_in_ = x.shape[1]
        return self

    def predict(self, x: Any) -> Any:
        columns = joblib.Parallel(n_jobs=2, backend=self.backend)(
            joblib.delayed(np.copy)(column) for column in x.T
        )
        return np.mean(columns, axis=0)


PARALLEL: list[Any] = [
    RandomForestRegressor(4, n_jobs=4, random_state=0),
    BaggingRegressor(Ridge(), n_estimators=4, n_jobs=-1, random_state=0),
    KNeighborsRegressor(3, algorithm="kd_tree", n_jobs=2),
    IsolationForest(n_estimators=4, n_jobs=2, random_state=0),
    LocalOutlierFactor(5, novelty=True, n_jobs=2),
    make_pipeline(make_union(StandardScaler(), MinMaxScaler(), n_jobs=2), Ridge()),
    make_pipeline(
        ColumnTransformer([("a", StandardScaler(), [0]), ("b", MinMaxScaler(), [1, 2])], n_jobs=2), Ridge()
    ),
    GridSearchCV(RandomForestRegressor(4, n_jobs=2, random_state=0), {"max_depth": [1, 2]}, cv=2),
    VotingRegressor([("a", RandomForestRegressor(4, n_jobs=2, random_state=0)), ("b", Ridge())]),
    MultiOutputRegressor(RandomForestRegressor(4, n_jobs=2, random_state=0), n_jobs=2),
    make_pipeline(MinMaxScaler(), Averaging(None)),
    Averaging("threading"),
    Averaging("loky"),
    Averaging("multiprocessing"),
]


@pytest.mark.parametrize("estimator", PARALLEL, ids=named)
@pytest.mark.served("scikit-learn", "models saved with `n_jobs`: a request starts no threads or processes")
def test_a_request_starts_no_threads_or_processes(estimator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    estimator.fit(X, np.column_stack([Y, -Y]) if isinstance(estimator, MultiOutputRegressor) else Y)
    expected = estimator.predict(X)
    model = SklearnModel.of(estimator)
    started: list[threading.Thread] = []
    # Pools of processes have threads that manage them.
    monkeypatch.setattr(threading.Thread, "start", started.append)
    answers = model.predict({"x": X})["y"]
    assert not started
    assert answers == pytest.approx(expected)


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_what_a_model_asks_of_its_backend_has_no_effect(backend: str) -> None:
    with joblib.parallel_config(backend, n_jobs=2, inner_max_num_threads=1):
        assert joblib.Parallel(timeout=9)(joblib.delayed(abs)(number) for number in (-1, 2)) == [1, 2]


MULTILABEL = np.column_stack([Y > 0, X[:, 0] > 4]).astype(int)


@pytest.mark.parametrize(
    ("estimator", "labels"),
    [
        (OneVsRestClassifier(LogisticRegression()), sparse.csr_matrix(MULTILABEL)),
        (OneVsRestClassifier(DecisionTreeClassifier(max_depth=2)), sparse.csr_array(MULTILABEL)),
        (DummyClassifier(strategy="constant", constant=[1, 0]), sparse.csc_matrix(MULTILABEL)),
    ],
    ids=named,
)
@pytest.mark.served("scikit-learn", "sparse answers of multi-label classifiers")
def test_an_answer_that_is_sparse_is_numbers(estimator: Any, labels: Any) -> None:
    expected = estimator.fit(X, labels).predict(X)
    assert sparse.issparse(expected)
    model = SklearnModel.of(estimator)
    output, *_ = model.outputs
    assert (output.shape, output.datatype) == ((-1, 2), "INT64")
    assert model.predict({"x": X})["y"].tolist() == expected.toarray().tolist()


def test_the_outputs_of_a_model_that_takes_no_zeros_are_known() -> None:
    steps = PowerTransformer(method="box-cox"), LogisticRegression()
    model = SklearnModel.of(make_pipeline(*steps).fit(X, np.where(Y > 0, "trip", "ok")))
    assert model.outputs[0] == TensorSpec("y", (-1,), "BYTES")


@pytest.mark.not_served(
    "scikit-learn",
    "estimators that label only the rows of their training, such as `DBSCAN`",
    "they have no `predict` for new rows; use one that has it, such as `KMeans`",
)
@pytest.mark.parametrize(
    ("estimator", "fault"),
    [
        ({"model": Ridge()}, "is a dict, not a fitted estimator with predict or transform; push one that is"),
        (Pipeline, "is a ABCMeta, not a fitted estimator with predict"),
        (Ridge(), "is a Ridge that was not fitted; call its fit before it is saved"),
        (StandardScaler(), "is a StandardScaler that was not fitted; call its fit"),
        (make_pipeline(StandardScaler(), Ridge()), "is a Pipeline that was not fitted; call its fit"),
        (
            DBSCAN().fit(X),
            "is a fitted DBSCAN without predict, transform, decision_function and score_samples; push one",
        ),
        (
            LocalOutlierFactor().fit(X),
            "is a fitted LocalOutlierFactor without predict, transform, decision_function and score_samples; "
            "fit it with novelty=True",
        ),
    ],
    ids=lambda value: value.split(",")[0] if isinstance(value, str) else "",
)
def test_what_is_not_served_is_refused_for_what_it_lacks(estimator: Any, fault: str) -> None:
    with pytest.raises(ModelError, match=f"^{re.escape(fault)}"):
        SklearnModel.of(estimator)


@pytest.mark.not_served(
    "scikit-learn",
    "`DictVectorizer`, `FeatureHasher`, `MultiLabelBinarizer`",
    "they take dicts or sets, which tensors cannot hold; fit a `ColumnTransformer` on a table",
)
def test_what_takes_no_tensors_is_refused_with_the_way_out() -> None:
    model = make_pipeline(DictVectorizer(), Ridge()).fit([{"kind": "cable"}, {"kind": "line"}], [1.0, 2.0])
    with pytest.raises(
        ModelError, match=r"^takes dicts \(DictVectorizer\), which requests cannot hold; fit a"
    ):
        SklearnModel.of(model)


@pytest.mark.served("scikit-learn", "estimators that do not count their inputs, such as `IsotonicRegression`")
@pytest.mark.parametrize(
    ("model", "output", "width"),
    [(IsotonicRegression().fit(X[:, :1], Y), "y", 1), (Normalizer(), "transformed", -1)],
)
def test_an_estimator_that_does_not_count_its_inputs_is_served(model: Any, output: str, width: int) -> None:
    served, rows = SklearnModel.of(model), X[:, : abs(width)]
    assert served.inputs == (TensorSpec("x", (-1, width)),)
    expected = model.predict(rows) if output == "y" else model.transform(rows)
    assert served.predict({"x": rows})[output].tolist() == expected.tolist()


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_what_is_not_finite_between_two_steps_is_an_error() -> None:
    steps = FunctionTransformer(np.log), KNeighborsRegressor(3, algorithm="brute")
    model = SklearnModel.of(make_pipeline(*steps).fit(X, Y))
    with pytest.raises(PredictionError, match="Input X contains NaN"):
        predict(model, {"x": -X[:1]})


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
def test_a_number_that_trees_cannot_hold_is_an_error() -> None:
    model = SklearnModel.of(RandomForestRegressor(3, random_state=0).fit(X, Y))
    with pytest.raises(PredictionError, match=r"infinity or a value too large for dtype\(.float32"):
        predict(model, {"x": np.full((1, 3), 1e39)})


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")
@pytest.mark.parametrize("row", [[1e308, -1e308, 1.0], [-1e308, 1e308, 1e308]])
@pytest.mark.parametrize("number", range(3))
def test_a_linear_model_answers_no_row_that_scikit_learn_does_not(row: list[float], number: int) -> None:
    estimator = make_pipeline(StandardScaler(), LinearRegression()).fit(X * 1e-3, Y)
    # A feature without effect does not hide a fault.
    estimator[-1].coef_[number] = 0.0
    with pytest.raises(ValueError, match="Input X contains infinity"):
        estimator.predict([row])
    model = SklearnModel.of(estimator)
    assert isinstance(model, LinearModel)
    with pytest.raises(PredictionError):
        predict(model, {"x": np.array([row])})
    tensor = {"name": "x", "shape": [1, 3], "datatype": "FP64", "data": row}
    fault = "Input X contains infinity or a value too large for dtype('float64')."
    assert infer(model, {"inputs": [tensor]}) == {"error": f"model line-1 failed: ValueError: {fault}"}
