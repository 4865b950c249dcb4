"""Compiled models answer as the frameworks that trained them; other models keep their own predict."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.decomposition import KernelPCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, QuantileTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from bluegrid_registry import ModelError
from bluegrid_server.engine.batch import batch_infer
from bluegrid_server.errors import PredictionError
from bluegrid_server.frameworks.compiler import LINEAR, ONNX, TREES, accelerated
from bluegrid_server.frameworks.graph_model import GraphModel
from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel
from bluegrid_server.frameworks.tree_model import TreeModel
from bluegrid_server.models.version import ServedModel
from tests.support.model_requests import predict
from tests.unit.bluegrid_server.frameworks.compiled import (
    NUMBERED,
    POSITIVE,
    SEVERAL,
    THREE,
    TWO,
    X,
    Y,
    compiled,
    compiler,
    named,
    of_lightgbm,
    of_scikit_learn,
    of_xgboost,
    unlike_training,
)

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_server.frameworks.model import Model

FORESTS: list[tuple[Any, Any]] = [
    (DecisionTreeRegressor(random_state=0), Y),
    (DecisionTreeClassifier(random_state=0), THREE),
    (RandomForestRegressor(10, random_state=0), Y),
    (RandomForestRegressor(10, random_state=0), SEVERAL),
    (RandomForestRegressor(2, min_samples_leaf=160, random_state=0), Y),
    (RandomForestClassifier(10, random_state=0), THREE),
    (ExtraTreesRegressor(10, random_state=0), Y),
    (ExtraTreesClassifier(10, random_state=0), TWO),
    (GradientBoostingRegressor(n_estimators=20, random_state=0), Y),
    (GradientBoostingRegressor(n_estimators=3, init="zero", loss="huber", random_state=0), Y),
    (GradientBoostingClassifier(n_estimators=5, random_state=0), TWO),
    (GradientBoostingClassifier(n_estimators=5, random_state=0), THREE),
    (HistGradientBoostingRegressor(max_iter=20), Y),
    (HistGradientBoostingRegressor(max_iter=20, loss="poisson"), POSITIVE),
    (HistGradientBoostingClassifier(max_iter=5), TWO),
    (HistGradientBoostingClassifier(max_iter=5), THREE),
    (make_pipeline(StandardScaler(), RandomForestRegressor(10, random_state=0)), Y),
    (make_pipeline(StandardScaler(with_mean=False), DecisionTreeRegressor(random_state=0)), Y),
    (make_pipeline(StandardScaler(with_std=False), ExtraTreesRegressor(5, random_state=0)), Y),
]


@pytest.mark.parametrize(("estimator", "y"), FORESTS, ids=named)
def test_trees_of_scikit_learn_answer_as_they_do_to_the_last_digit(estimator: Any, y: Any, way: str) -> None:
    own = of_scikit_learn(estimator, y)
    model, how = compiled(own)
    assert how == way
    assert (model.inputs, model.outputs) == (own.inputs, own.outputs)
    rows = unlike_training()
    got, expected = model.predict({"x": rows})["y"], own.predict({"x": rows})["y"]
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    if got.dtype.kind == "f":
        assert got == pytest.approx(expected, rel=1e-15, abs=0)
    else:
        assert got.tolist() == expected.tolist()


@pytest.mark.parametrize(
    "estimator", [GradientBoostingClassifier(n_estimators=2), HistGradientBoostingClassifier(max_iter=2)]
)
def test_of_two_classes_that_are_as_likely_the_same_one_is_chosen(estimator: Any, way: str) -> None:
    own = SklearnModel.of(estimator.fit(np.zeros((10, 4)), np.arange(10) % 2))
    model, how = compiled(own)
    assert how == way
    assert model.predict({"x": X})["y"].tolist() == own.predict({"x": X})["y"].tolist()


@pytest.mark.filterwarnings("ignore:overflow encountered in exp:RuntimeWarning")
@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (make_pipeline(StandardScaler(), MLPRegressor(max_iter=5, random_state=0)), Y),
        (make_pipeline(StandardScaler(), LogisticRegression()), NUMBERED),
        (make_pipeline(StandardScaler(), CalibratedClassifierCV(cv=2)), NUMBERED),
        (make_pipeline(StandardScaler(), PoissonRegressor()), POSITIVE),
    ],
    ids=named,
)
def test_other_estimators_answer_as_they_do(estimator: Any, y: Any) -> None:
    own = of_scikit_learn(estimator, y)
    model, how = compiled(own)
    assert how == ONNX
    rows = unlike_training()
    assert model.predict({"x": rows})["y"] == pytest.approx(own.predict({"x": rows})["y"], rel=1e-9, abs=1e-9)


def test_a_linear_model_keeps_its_shorter_way_and_is_stacked_in_a_batch() -> None:
    own = of_scikit_learn(make_pipeline(StandardScaler(), Ridge()), Y)
    forest = of_scikit_learn(RandomForestRegressor(5, random_state=0), Y)
    assert compiled(own) == (own, LINEAR)
    model, _ = compiled(forest)
    served = {name: ServedModel(name, "sha256:0", each) for name, each in (("a", own), ("b", model))}
    tensor = {"name": "x", "shape": [1, 4], "datatype": "FP32", "data": X[0].tolist()}
    asked: list[Any] = [{"model_name": name, "inputs": [{**tensor, "datatype": "FP64"}]} for name in "aba"]
    asked.append({"model_name": "b", "inputs": [tensor]})
    answers = batch_infer(served, asked)
    expected = {"a": own.predict({"x": X[:1]})["y"][0], "b": forest.predict({"x": X[:1]})["y"][0]}
    assert [each["outputs"][0]["data"][0] for each in answers[:3]] == [expected[name] for name in "aba"]
    # A client's FP32 is widened before it reaches a model.
    narrow = forest.predict({"x": X[:1].astype(np.float32).astype(np.float64)})["y"][0]
    assert answers[3]["outputs"][0]["data"][0] == narrow


@pytest.mark.parametrize(
    ("estimator", "y", "reason"),
    [
        (make_pipeline(PolynomialFeatures(), MLPRegressor(max_iter=2)), Y, "cannot be compiled: "),
        (
            GradientBoostingRegressor(n_estimators=2, init=Ridge()),
            Y,
            "cannot be compiled: starts from a Ridge",
        ),
        (SVC(), TWO.astype(int), "cannot be compiled: would choose its labels in FP32 (SVMClassifier)"),
        (KNeighborsRegressor(), Y, "cannot be compiled: KNeighborsRegressor is faster by itself"),
        (GaussianProcessRegressor(), Y, "cannot be compiled: GaussianProcessRegressor is faster by itself"),
        (
            make_pipeline(QuantileTransformer(n_quantiles=9), LogisticRegression()),
            THREE,
            "cannot be compiled: QuantileTransformer takes longer to compile than it saves",
        ),
        (KMeans(2, random_state=0), Y, "differs: int64 (24,) compiled, int32 (24,) by itself"),
    ],
    ids=named,
)
def test_what_cannot_be_compiled_or_differs_keeps_its_own_predict(
    estimator: Any, y: Any, reason: str
) -> None:
    own = of_scikit_learn(estimator, y)
    model, how = compiled(own)
    assert model is own
    assert how.startswith(reason)


def test_a_graph_that_flips_one_split_is_found_out() -> None:
    own = of_scikit_learn(DecisionTreeRegressor(random_state=0), Y)
    right = compiler("scikit-learn/skops")(own)
    # Without the rounding of scikit-learn's trees, as skl2onnx compiles them.
    from bluegrid_server.frameworks.scikit_learn import compiler as of_trees

    ensemble = of_trees._ensemble(own.estimator, None)  # type: ignore[attr-defined]
    assert ensemble is not None
    wrong = replace(right, program=replace(ensemble, rounds=False))
    model, how = accelerated(own, lambda _: wrong, lambda _: None)
    assert model is own
    assert how.startswith("differs: ")


def test_a_graph_that_meets_what_is_not_finite_for_any_row_is_not_used() -> None:
    own = of_scikit_learn(DecisionTreeRegressor(random_state=0), Y)
    from bluegrid_server.frameworks.scikit_learn import compiler as of_trees

    ensemble = of_trees._ensemble(own.estimator, None)  # type: ignore[attr-defined]
    assert ensemble is not None
    wrong = replace(compiler("scikit-learn/skops")(own), program=replace(ensemble, scale=np.zeros(4)))
    model, how = accelerated(own, lambda _: wrong, lambda _: None)
    assert model is own
    assert how == "cannot be compiled: meets what is not finite on the way to any answer"


def test_a_model_that_misses_its_recorded_example_when_compiled_runs_by_itself(tmp_path: Path) -> None:
    own = of_xgboost(tmp_path, {"objective": "binary:logistic"}, TWO)

    def prove(model: Model) -> None:
        if (model.predict({"x": X})["y"] != own.predict({"x": X})["y"]).any():
            raise ModelError("does not reproduce it")

    model, how = compiled(own, "xgboost/ubj", prove)
    assert (model is own, how) == (True, "differs: compiled, it misses its recorded example")


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize("strange", [np.nan, np.inf, 1e300])
def test_rows_that_frameworks_judge_are_theirs(strange: float, tmp_path: Path, way: str) -> None:
    rows = np.array([[strange, *X[0, 1:]]])
    forest, how = compiled(of_scikit_learn(RandomForestRegressor(5, random_state=0), Y))
    assert how == way
    if not np.isnan(strange):
        with pytest.raises(PredictionError, match="infinity or a value too large"):
            predict(forest, {"x": rows})
    for model_type, own in (
        ("lightgbm/txt", of_lightgbm(tmp_path, {}, Y)),
        ("xgboost/ubj", of_xgboost(tmp_path, {}, Y)),
    ):
        model, how = compiled(own, model_type)
        assert how == way
        if np.isnan(strange) or model_type == "lightgbm/txt":
            assert model.predict({"x": rows})["y"].tolist() == own.predict({"x": rows})["y"].tolist()
        else:
            with pytest.raises(PredictionError, match="XGBoostError"):
                predict(model, {"x": rows})


SCALED = (X - X.mean(axis=0)) / X.std(axis=0)
POWERS = {"kernel": "poly", "degree": 9, "gamma": 0.01}


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")
@pytest.mark.parametrize(
    ("estimator", "x", "y", "reading"),
    [
        (make_pipeline(StandardScaler(), RandomForestRegressor(5, random_state=0)), X, Y, 1e37),
        (make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=2)), X, THREE, -1e37),
        (make_pipeline(KernelPCA(2, **POWERS), LogisticRegression()), SCALED, NUMBERED, 1e38),
        (make_pipeline(KernelPCA(2, **POWERS), MLPRegressor(max_iter=5, random_state=0)), SCALED, Y, -1e38),
    ],
    ids=named,
)
def test_what_a_step_makes_too_large_is_the_frameworks_to_refuse(
    estimator: Any, x: Any, y: Any, reading: float
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = SklearnModel.of(estimator.fit(x, y))
    model, how = compiled(own)
    assert how in (TREES, ONNX)
    assert predict(model, {"x": x[:5]})["y"].tolist() == pytest.approx(
        own.predict({"x": x[:5]})["y"].tolist()
    )
    rows = np.array([x[0], [x[0, 0], reading, *x[0, 2:]]])
    with pytest.raises(PredictionError, match="Input X contains infinity"):
        predict(model, {"x": rows})


def test_what_is_no_table_of_the_right_width_is_the_frameworks_to_refuse(way: str) -> None:
    model, how = compiled(of_scikit_learn(RandomForestRegressor(5, random_state=0), Y))
    assert how == way
    assert isinstance(model, GraphModel | TreeModel)
    for wrong in (X[:1, :3], X[0], X[:0]):
        with pytest.raises(PredictionError, match="ValueError"):
            predict(model, {"x": wrong})
