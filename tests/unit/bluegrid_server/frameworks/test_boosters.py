"""Boosters answer as the fitted models: early stopping, linear boosters, columns, numbers too large."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import pytest
import xgboost

from bluegrid_registry import ModelError, ModelType
from bluegrid_server.frameworks.compiler import TREES
from bluegrid_server.frameworks.supported import loader_of
from tests.support.model_requests import infer
from tests.unit.bluegrid_server.frameworks.compiled import compiled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bluegrid_server.frameworks.model import Model

RANDOM = np.random.default_rng(11)
X = RANDOM.normal(size=(400, 5))
LOAD = X[:, 0] + 0.5 * X[:, 1] + RANDOM.normal(scale=0.7, size=400)
CLASSES = np.digitize(LOAD, [-0.5, 0.5])


@pytest.fixture
def load(tmp_path: Path) -> Callable[[Any, str], Model]:
    """Saves a booster or a wrapper of XGBoost, and loads it as a pod does."""

    def loaded(model: Any, file_type: str = "ubj") -> Model:
        path = tmp_path / f"model.{file_type}"
        model.save_model(path)
        kind = ModelType.parse(f"xgboost/{file_type}")
        kind.check(path.read_bytes())
        return loader_of(kind)(path)

    return loaded


def stopped_early(estimator: type[Any], labels: Any, **parameters: Any) -> Any:
    model = estimator(
        n_estimators=80, learning_rate=0.4, max_depth=4, early_stopping_rounds=6, n_jobs=1, **parameters
    )
    model.fit(X[:200], labels[:200], eval_set=[(X[200:], labels[200:])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    return model


def expected(model: Any) -> Any:
    probability = getattr(model, "predict_proba", None)
    return model.predict(X) if probability is None else probability(X)


@pytest.mark.parametrize("file_type", ["ubj", "json"])
@pytest.mark.parametrize(
    ("estimator", "labels", "parameters"),
    [
        (xgboost.XGBRegressor, LOAD, {}),
        (xgboost.XGBRegressor, LOAD, {"num_parallel_tree": 3, "subsample": 0.7}),
        (xgboost.XGBRegressor, np.c_[LOAD, -LOAD], {"multi_strategy": "multi_output_tree"}),
        (xgboost.XGBRegressor, np.c_[LOAD, -LOAD], {}),
        (xgboost.XGBClassifier, CLASSES, {}),
        (xgboost.XGBRegressor, LOAD, {"booster": "dart", "rate_drop": 0.1}),
    ],
    ids=["plain", "parallel trees", "vector leaves", "two targets", "classes", "dart"],
)
@pytest.mark.served("XGBoost", "early stopping: the best iteration answers")
def test_a_model_that_stopped_early_answers_by_its_best_round(
    load: Callable[[Any, str], Model],
    file_type: str,
    estimator: type[Any],
    labels: Any,
    parameters: dict[str, Any],
) -> None:
    model = stopped_early(estimator, labels, **parameters)
    assert load(model, file_type).predict({"x": X})["y"] == pytest.approx(expected(model), rel=1e-5, abs=1e-6)


def test_a_booster_that_stopped_early_without_a_wrapper_answers_by_its_best_round(
    load: Callable[[Any, str], Model],
) -> None:
    data, seen = xgboost.DMatrix(X[:200], LOAD[:200]), xgboost.DMatrix(X[200:], LOAD[200:])
    booster = xgboost.train(
        {"nthread": 1, "eta": 0.4},
        data,
        80,
        evals=[(seen, "seen")],
        early_stopping_rounds=6,
        verbose_eval=False,
    )
    best = booster.predict(xgboost.DMatrix(X), iteration_range=(0, booster.best_iteration + 1))
    assert load(booster, "ubj").predict({"x": X})["y"] == pytest.approx(best, rel=1e-6)


def test_compiled_it_answers_by_its_best_round_too(load: Callable[[Any, str], Model]) -> None:
    model = stopped_early(xgboost.XGBRegressor, LOAD)
    booster, how = compiled(load(model, "ubj"), "xgboost/ubj")
    assert how == TREES
    assert booster.predict({"x": X})["y"] == pytest.approx(model.predict(X), rel=1e-5)


@pytest.mark.served("XGBoost", "`gblinear`")
def test_a_linear_booster_answers_as_it_does_itself(load: Callable[[Any, str], Model]) -> None:
    booster = xgboost.train({"booster": "gblinear", "nthread": 1}, xgboost.DMatrix(X, LOAD), 20)
    got = load(booster, "json").predict({"x": X})["y"]
    assert got.tolist() == booster.predict(xgboost.DMatrix(X)).tolist()


@pytest.mark.parametrize("is_compiled", [False, True])
def test_a_number_that_fp32_does_not_hold_is_an_error_as_in_xgboost(
    load: Callable[[Any, str], Model], *, is_compiled: bool
) -> None:
    wrapper = xgboost.XGBRegressor(n_estimators=5, n_jobs=1).fit(X, LOAD)
    model = load(wrapper, "ubj")
    if is_compiled:
        model, how = compiled(model, "xgboost/ubj")
        assert how == TREES
    rows = X[:2].copy()
    rows[1, 3] = 1e39
    with pytest.raises(xgboost.core.XGBoostError) as own:
        xgboost.DMatrix(rows)
    with pytest.raises(xgboost.core.XGBoostError) as got:
        model.predict({"x": rows})
    words = str(own.value).splitlines()[0].rpartition(": ")[2]
    assert words in str(got.value)


@pytest.mark.served("XGBoost", "missing values")
@pytest.mark.served("LightGBM", "missing values")
def test_a_booster_that_was_trained_with_gaps_answers_rows_with_gaps_from_binary_data(
    load: Callable[[Any, str], Model], tmp_path: Path
) -> None:
    rows = np.where(RANDOM.random(X.shape) < 0.1, np.nan, X)
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(rows, LOAD), 5)
    (tmp_path / "model.txt").write_text(
        (
            trees := lightgbm.train({"verbosity": -1, "num_threads": 1}, lightgbm.Dataset(rows, LOAD), 5)
        ).model_to_string()
    )
    cases = (
        (load(booster, "ubj"), booster.predict(xgboost.DMatrix(rows))),
        (loader_of(ModelType.parse("lightgbm/txt"))(tmp_path / "model.txt"), trees.predict(rows)),
    )
    size = {"binary_data_size": rows.nbytes}
    request = {"inputs": [{"name": "x", "shape": list(rows.shape), "datatype": "FP64", "parameters": size}]}
    for model, expected in cases:
        answer = infer(model, request, rows.tobytes())
        assert answer["outputs"][0]["data"] == pytest.approx(np.asarray(expected).tolist())


def test_columns_are_listed_in_the_order_of_a_row(load: Callable[[Any, str], Model], tmp_path: Path) -> None:
    names = ["wind", "温度", "hour", "load", "price"]
    named = xgboost.DMatrix(X, LOAD, feature_names=names)
    assert load(xgboost.train({"nthread": 1}, named, 3), "ubj").inputs[0].columns == tuple(names)
    assert load(xgboost.train({"nthread": 1}, xgboost.DMatrix(X, LOAD), 3), "ubj").inputs[0].columns == ()
    columns = ["wind", "humidity", "hour", "load", "price"]
    for data, listed in (
        (lightgbm.Dataset(X, LOAD, feature_name=columns), tuple(columns)),
        (lightgbm.Dataset(X, LOAD), ()),
    ):
        booster = lightgbm.train({"verbosity": -1, "num_threads": 1}, data, 3)
        (tmp_path / "model.txt").write_text(booster.model_to_string())
        assert loader_of(ModelType.parse("lightgbm/txt"))(tmp_path / "model.txt").inputs[0].columns == listed


@pytest.mark.parametrize(("newer", "ok"), [("minor", False), ("major", False), ("patch", True)])
@pytest.mark.not_served(
    "XGBoost",
    "files of a newer major or minor version than the image's",
    "it may be read wrongly; use an image with it",
)
def test_a_file_of_a_newer_xgboost_is_refused_unless_only_its_patch_is(
    newer: str, tmp_path: Path, *, ok: bool
) -> None:
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(X, LOAD), 3)
    document = json.loads(bytes(booster.save_raw("json")))
    document["version"][("major", "minor", "patch").index(newer)] += 1
    path = tmp_path / "model.json"
    path.write_text(json.dumps(document))
    load = loader_of(ModelType.parse("xgboost/json"))
    if ok:
        load(path)
        return
    with pytest.raises(
        ModelError, match=r"^was written by XGBoost .*, and this image has .*; save it with XGBoost"
    ):
        load(path)


def test_a_lightgbm_model_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    booster = lightgbm.train({"verbosity": -1, "num_threads": 1}, lightgbm.Dataset(X, LOAD), 3)
    path = tmp_path / "model.txt"
    path.write_text(booster.model_to_string().replace("version=v4", "version=v5"))
    with pytest.raises(ModelError, match=r"^was written by LightGBM's format v5, and this image has v4"):
        loader_of(ModelType.parse("lightgbm/txt"))(path)


@pytest.mark.served("LightGBM", "early stopping: the best iteration answers")
def test_a_lightgbm_model_that_stopped_early_answers_by_its_best_round(tmp_path: Path) -> None:
    model = lightgbm.LGBMRegressor(n_estimators=80, learning_rate=0.4, n_jobs=1, verbosity=-1)
    stop = lightgbm.early_stopping(6, verbose=False)
    model.fit(X[:200], LOAD[:200], eval_X=X[200:], eval_y=LOAD[200:], callbacks=[stop])
    path = tmp_path / "model.txt"
    model.booster_.save_model(path)
    got = loader_of(ModelType.parse("lightgbm/txt"))(path).predict({"x": X})["y"]
    assert got.tolist() == np.asarray(model.predict(X)).tolist()
