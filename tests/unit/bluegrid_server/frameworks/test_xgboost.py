"""Models of XGBoost answer as XGBoost and its wrappers do, to the bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import xgboost

from bluegrid_server.errors import InputError
from bluegrid_server.models.trial import try_out
from bluegrid_server.models.version import ServedModel
from bluegrid_server.protocol.tensor_spec import TensorSpec
from tests.support.model_requests import infer, predicted_rows
from tests.unit.bluegrid_server.frameworks.boosters import (
    CODES,
    GAPS,
    KINDS,
    LABELS,
    LOAD,
    POSITIVE,
    TABLE,
    TABLE_LOAD,
    TARGETS,
    THREE,
    TWO,
    N,
    columns,
    loaded,
    named,
    own_objective,
)

if TYPE_CHECKING:
    from pathlib import Path

SOME: dict[str, Any] = {"n_jobs": 1, "n_estimators": 8, "max_depth": 3}
RANKS: dict[str, Any] = {"qid": np.arange(N) // 10}


def raw(model: Any, file_type: str = "ubj") -> bytes:
    return bytes(model.get_booster().save_raw(file_type))


@pytest.mark.served("XGBoost", "`dart`")
@pytest.mark.served("XGBoost", "several targets")
@pytest.mark.served("XGBoost", "several quantiles")
@pytest.mark.served("XGBoost", "ranking")
@pytest.mark.parametrize("file_type", ["ubj", "json"])
@pytest.mark.parametrize(
    ("estimator", "labels", "fitting"),
    [
        (xgboost.XGBRegressor(), LOAD, {}),
        (xgboost.XGBRegressor(booster="dart", rate_drop=0.3), LOAD, {}),
        (xgboost.XGBRegressor(num_parallel_tree=3, subsample=0.5), LOAD, {}),
        (xgboost.XGBRFRegressor(), LOAD, {}),
        (xgboost.XGBRegressor(), TARGETS, {}),
        (xgboost.XGBRegressor(multi_strategy="multi_output_tree"), TARGETS, {}),
        (xgboost.XGBRegressor(objective="reg:quantileerror", quantile_alpha=[0.1, 0.5, 0.9]), LOAD, {}),
        (xgboost.XGBRegressor(objective="count:poisson"), POSITIVE, {}),
        (xgboost.XGBRegressor(objective="reg:tweedie"), POSITIVE, {}),
        (xgboost.XGBRegressor(objective="survival:cox"), POSITIVE, {}),
        (xgboost.XGBRegressor(objective=own_objective), LOAD, {}),
        (xgboost.XGBRanker(), TWO, RANKS),
    ],
    ids=named,
)
def test_a_regressor_answers_as_its_wrapper(
    estimator: Any, labels: Any, fitting: dict[str, Any], file_type: str, tmp_path: Path
) -> None:
    estimator.set_params(**SOME).fit(GAPS, labels, **fitting)
    model = loaded(f"xgboost/{file_type}", raw(estimator, file_type), tmp_path)
    assert model.predict({"x": GAPS})["y"].tolist() == estimator.predict(GAPS).tolist()
    margin = model.on_request({"x": GAPS}, ["margin"])["margin"]
    assert margin.tolist() == estimator.predict(GAPS, output_margin=True).tolist()


@pytest.mark.served("XGBoost", "classifiers: `probability` with its classes, `label` and `margin` on request")
@pytest.mark.parametrize(
    ("parameters", "labels", "classes"),
    [
        ({}, TWO, (0, 1)),
        ({}, THREE, (0, 1, 2)),
        ({"objective": "multi:softmax"}, THREE, (0, 1, 2)),
        ({"booster": "dart"}, THREE, (0, 1, 2)),
    ],
    ids=named,
)
def test_a_classifier_gives_probabilities_classes_and_labels_of_its_wrapper(
    parameters: dict[str, Any], labels: Any, classes: Any, tmp_path: Path
) -> None:
    estimator = xgboost.XGBClassifier(**SOME, **parameters).fit(GAPS, labels)
    model = loaded("xgboost/ubj", raw(estimator), tmp_path)
    booster = estimator.get_booster()
    assert model.predict({"x": GAPS})["y"].tolist() == booster.inplace_predict(GAPS).tolist()
    got = model.on_request({"x": GAPS}, ["probability", "label", "margin"])
    assert got["probability"].tolist() == estimator.predict_proba(GAPS).tolist()
    assert got["label"].tolist() == estimator.predict(GAPS).tolist()
    assert got["margin"].tolist() == estimator.predict(GAPS, output_margin=True).tolist()
    specs = {spec.name: spec for spec in model.outputs}
    assert specs["probability"] == TensorSpec(
        "probability", (-1, len(classes)), classes=classes, on_request=True
    )
    assert specs["label"] == TensorSpec("label", (-1,), "INT64", on_request=True)


def test_a_classifier_of_several_labels_gives_the_probability_of_each(tmp_path: Path) -> None:
    estimator = xgboost.XGBClassifier(**SOME).fit(GAPS, LABELS)
    model = loaded("xgboost/ubj", raw(estimator), tmp_path)
    assert model.predict({"x": GAPS})["y"].tolist() == estimator.predict_proba(GAPS).tolist()
    assert model.on_request({"x": GAPS}, ["label"])["label"].tolist() == estimator.predict(GAPS).tolist()
    assert [spec.name for spec in model.outputs] == ["y", "margin", "label"]


@pytest.mark.served("XGBoost", "categories by name: strings and numbers, in models of XGBoost 3.1 and later")
@pytest.mark.parametrize(
    "parameters",
    [{}, {"booster": "dart"}, {"early_stopping_rounds": 2}, {"max_cat_to_onehot": 1}],
    ids=named,
)
def test_categories_are_taken_by_name_in_columns_and_by_code_in_a_table(
    parameters: dict[str, Any], tmp_path: Path
) -> None:
    settings = {**SOME, "n_estimators": 60, "learning_rate": 0.5, **parameters}
    estimator = xgboost.XGBRegressor(**settings, enable_categorical=True)
    estimator.fit(TABLE, TABLE_LOAD, eval_set=[(TABLE[::2], TABLE_LOAD[::2] + LOAD[::2])], verbose=False)
    model = loaded("xgboost/ubj", raw(estimator), tmp_path)
    assert [(spec.name, spec.datatype, spec.shape) for spec in model.inputs] == [
        ("temperature", "FP64", (-1, 1)),
        ("kind", "BYTES", (-1, 1)),
        ("zone", "FP64", (-1, 1)),
    ]
    expected = estimator.predict(TABLE).tolist()
    assert model.predict(columns(N))["y"].tolist() == expected
    assert model.predict(columns(N, [kind.encode() for kind in KINDS]))["y"].tolist() == expected
    assert model.predict({"x": CODES})["y"].tolist() == expected


def test_categories_come_in_requests_by_name_by_code_and_missing(tmp_path: Path) -> None:
    estimator = xgboost.XGBRegressor(**SOME, enable_categorical=True).fit(TABLE, TABLE_LOAD)
    model = loaded("xgboost/ubj", raw(estimator), tmp_path)
    numbers = {"shape": [3], "datatype": "FP64"}
    words = [
        {"name": "kind", "shape": [3], "datatype": "BYTES", "data": ["cable", "mixed", None]},
        {"name": "zone", **numbers, "data": [20, None, 20]},
        {"name": "temperature", **numbers, "data": [None, 0.5, 0.5]},
    ]
    rows = pd.DataFrame(
        {
            "temperature": [np.nan, 0.5, 0.5],
            "kind": pd.Categorical(["cable", "mixed", None], TABLE["kind"].cat.categories),
            "zone": pd.Categorical([20, None, 20], TABLE["zone"].cat.categories),
        }
    )
    expected = estimator.predict(rows).tolist()
    assert infer(model, {"inputs": words})["outputs"][0]["data"] == pytest.approx(expected)
    served = ServedModel("line-1", "sha256:0", model)
    for instances in (
        [
            {"zone": 20, "kind": "cable", "temperature": None},
            {"zone": None, "kind": "mixed", "temperature": 0.5},
            {"zone": 20, "kind": None, "temperature": 0.5},
        ],
        [[None, "cable", 20], [0.5, "mixed", None], [0.5, None, 20]],
        [[None, 0, 2], [0.5, 1, None], [0.5, None, 2]],
    ):
        assert predicted_rows(served, instances) == (pytest.approx(expected), 0)
    data = [None, 0, 2, 0.5, 1, None, 0.5, None, 2]
    codes = {"name": "x", "shape": [3, 3], "datatype": "FP64", "data": data}
    assert infer(model, {"inputs": [codes]})["outputs"][0]["data"] == pytest.approx(expected)


@pytest.mark.not_served(
    "XGBoost",
    "categories that training did not have",
    "XGBoost refuses them: 400",
)
def test_an_unknown_category_is_an_error_of_the_request(tmp_path: Path) -> None:
    estimator = xgboost.XGBRegressor(**SOME, enable_categorical=True).fit(TABLE, TABLE_LOAD)
    model = loaded("xgboost/ubj", raw(estimator), tmp_path)
    message = "input 'kind': 'submarine' is a category not in the training data"
    with pytest.raises(InputError, match=message):
        model.predict(columns(2, ["cable", "submarine"]))
    with pytest.raises(InputError, match=message):
        predicted_rows(ServedModel("line-1", "sha256:0", model), [[0.5, "submarine", 20]])


def test_made_rows_have_the_categories_of_the_model(tmp_path: Path) -> None:
    estimator = xgboost.XGBRegressor(**SOME, enable_categorical=True).fit(TABLE, TABLE_LOAD)
    assert try_out(loaded("xgboost/ubj", raw(estimator), tmp_path)) is None


def test_an_input_that_is_no_column_is_told_with_both_forms(tmp_path: Path) -> None:
    estimator = xgboost.XGBRegressor(**SOME, enable_categorical=True).fit(TABLE, TABLE_LOAD)
    model = loaded("xgboost/ubj", raw(estimator), tmp_path)
    wrong = {"name": "wind", "shape": [1, 3], "datatype": "FP64", "data": [0.5, 0, 0]}
    assert infer(model, {"inputs": [wrong]})["error"] == (
        "inputs: expected 'temperature', 'kind', 'zone', or 'x' with all of them as numbers, got 'wind'"
    )


@pytest.mark.not_served(
    "XGBoost",
    "categories of a pandas table by name, where a name is not ASCII",
    "XGBoost damages the names in the file; give their codes",
)
def test_categories_whose_names_the_file_has_damaged_are_taken_by_code(tmp_path: Path) -> None:
    table = TABLE.assign(kind=TABLE["kind"].cat.rename_categories(["电缆", "混合", "架空"]))
    estimator = xgboost.XGBRegressor(**SOME, enable_categorical=True).fit(table, TABLE_LOAD)
    model = loaded("xgboost/ubj", raw(estimator), tmp_path)
    assert model.inputs == (TensorSpec("x", (-1, 3), columns=("temperature", "kind", "zone")),)
    assert model.predict({"x": CODES})["y"].tolist() == estimator.predict(table).tolist()


@pytest.mark.served("XGBoost", "columns by name, in any script")
def test_columns_that_are_numbers_are_named_in_one_table(tmp_path: Path) -> None:
    names = ["温度", "wind speed", "hour", "load"]
    estimator = xgboost.XGBRegressor(**SOME).fit(pd.DataFrame(GAPS, columns=names), LOAD)
    model = loaded("xgboost/json", raw(estimator, "json"), tmp_path)
    assert model.inputs == (TensorSpec("x", (-1, 4), columns=tuple(names)),)
    inputs = [
        {"name": name, "shape": [2], "datatype": "FP64", "data": [None, 1.5]} for name in reversed(names)
    ]
    expected = estimator.predict(np.array([[np.nan] * 4, [1.5] * 4])).tolist()
    assert infer(model, {"inputs": inputs})["outputs"][0]["data"] == pytest.approx(expected)


@pytest.mark.parametrize("file_type", ["ubj", "json"])
@pytest.mark.parametrize("save_best", [False, True])
def test_a_booster_with_names_that_stopped_early_keeps_them(
    save_best: bool,
    file_type: str,
    tmp_path: Path,
) -> None:
    names = [f"f{number}" for number in range(4)]
    data = xgboost.DMatrix(GAPS[:120], LOAD[:120], feature_names=names)
    seen = xgboost.DMatrix(GAPS[120:], LOAD[120:], feature_names=names)
    stop = xgboost.callback.EarlyStopping(rounds=3, save_best=save_best)
    parameters = {"eta": 0.9, "nthread": 1}
    booster = xgboost.train(
        parameters, data, 80, evals=[(seen, "seen")], callbacks=[stop], verbose_eval=False
    )
    model = loaded(f"xgboost/{file_type}", bytes(booster.save_raw(file_type)), tmp_path)
    assert model.inputs[0].columns == tuple(names)
    best = (0, 0) if save_best else (0, booster.best_iteration + 1)
    expected = booster.predict(seen, iteration_range=best).tolist()
    assert model.predict({"x": GAPS[120:]})["y"].tolist() == expected
