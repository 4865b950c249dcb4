"""Models of LightGBM answer as LightGBM and its wrappers do, to the bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import pandas as pd
import pytest

from bluegrid_registry import ModelError
from bluegrid_registry.formats.example import Example
from bluegrid_server.models.reproduce import reproduce
from bluegrid_server.protocol.tensor_spec import TensorSpec
from tests.support.model_requests import infer
from tests.unit.bluegrid_server.frameworks.boosters import (
    CODES,
    GAPS,
    KINDS,
    LOAD,
    POSITIVE,
    TABLE,
    TABLE_LOAD,
    THREE,
    TWO,
    ZONES,
    N,
    columns,
    loaded,
    named,
    own_objective,
)

if TYPE_CHECKING:
    from pathlib import Path

SOME: dict[str, Any] = {
    "n_jobs": 1,
    "n_estimators": 8,
    "num_leaves": 7,
    "verbosity": -1,
    "min_child_samples": 5,
}


def answers(estimator: Any, rows: Any, **how: Any) -> Any:
    return np.asarray(estimator.predict(rows, **how)).tolist()


def text(model: Any) -> bytes:
    return bytes(model.booster_.model_to_string().encode())


@pytest.mark.served("LightGBM", "linear trees")
@pytest.mark.served("LightGBM", "ranking")
@pytest.mark.parametrize(
    ("estimator", "labels", "fitting"),
    [
        (lightgbm.LGBMRegressor(), LOAD, {}),
        (lightgbm.LGBMRegressor(linear_tree=True), LOAD, {}),
        (lightgbm.LGBMRegressor(objective="quantile", alpha=0.9), LOAD, {}),
        (lightgbm.LGBMRegressor(objective="poisson"), POSITIVE, {}),
        (lightgbm.LGBMRegressor(boosting_type="dart"), LOAD, {}),
        (lightgbm.LGBMRegressor(boosting_type="rf", subsample_freq=1, subsample=0.5), LOAD, {}),
        (lightgbm.LGBMRegressor(zero_as_missing=True), LOAD, {}),
        (lightgbm.LGBMRegressor(objective=own_objective), LOAD, {}),
        (lightgbm.LGBMRanker(), TWO, {"group": [10] * (N // 10)}),
    ],
    ids=named,
)
def test_a_regressor_answers_as_its_wrapper(
    estimator: Any, labels: Any, fitting: dict[str, Any], tmp_path: Path
) -> None:
    estimator.set_params(**SOME).fit(GAPS, labels, **fitting)
    model = loaded("lightgbm/txt", text(estimator), tmp_path)
    rows = np.vstack([GAPS, np.zeros((1, 4))])
    assert model.predict({"x": rows})["y"].tolist() == answers(estimator, rows)
    margin = model.on_request({"x": rows}, ["margin"])["margin"]
    assert margin.tolist() == answers(estimator, rows, raw_score=True)


@pytest.mark.served("LightGBM", "classifiers: `probability` of each class and `margin` on request")
@pytest.mark.parametrize(
    ("parameters", "labels"),
    [
        ({}, np.where(TWO, "trip", "ok")),
        ({}, np.array(["low", "mid", "high"])[THREE]),
        ({"objective": "multiclassova"}, THREE),
    ],
    ids=named,
)
def test_a_classifier_gives_the_probabilities_of_its_wrapper(
    parameters: dict[str, Any], labels: Any, tmp_path: Path
) -> None:
    estimator = lightgbm.LGBMClassifier(**SOME, **parameters).fit(GAPS, labels)
    model = loaded("lightgbm/txt", text(estimator), tmp_path)
    assert model.predict({"x": GAPS})["y"].tolist() == answers(estimator.booster_, GAPS)
    got = model.on_request({"x": GAPS}, ["probability", "margin"])
    assert got["probability"].tolist() == np.asarray(estimator.predict_proba(GAPS)).tolist()
    assert got["margin"].tolist() == answers(estimator, GAPS, raw_score=True)
    (spec,) = [spec for spec in model.outputs if spec.name == "probability"]
    assert spec == TensorSpec("probability", (-1, len(set(labels))), on_request=True)


@pytest.mark.served("LightGBM", "categories of pandas tables by name: strings and numbers")
def test_categories_are_taken_by_name_in_columns_and_by_code_in_a_table(tmp_path: Path) -> None:
    table = TABLE.assign(kind=TABLE["kind"].cat.rename_categories({"cable": "电缆"}))
    kinds = np.where(KINDS == "cable", "电缆", KINDS)
    estimator = lightgbm.LGBMRegressor(**SOME).fit(table, TABLE_LOAD)
    model = loaded("lightgbm/txt", text(estimator), tmp_path)
    assert [(spec.name, spec.datatype, spec.shape) for spec in model.inputs] == [
        ("temperature", "FP64", (-1, 1)),
        ("kind", "BYTES", (-1, 1)),
        ("zone", "FP64", (-1, 1)),
    ]
    expected = answers(estimator, table)
    assert model.predict(columns(N, kinds))["y"].tolist() == expected
    assert model.predict(columns(N, [kind.encode() for kind in kinds]))["y"].tolist() == expected
    assert model.predict({"x": CODES})["y"].tolist() == expected


def test_a_missing_category_is_null(tmp_path: Path) -> None:
    kinds = [None, *KINDS[1:]]
    table = TABLE.assign(kind=pd.Categorical(kinds))
    estimator = lightgbm.LGBMRegressor(**SOME).fit(table, TABLE_LOAD)
    model = loaded("lightgbm/txt", text(estimator), tmp_path)
    assert model.inputs[1].takes_null
    assert model.predict(columns(N, kinds))["y"].tolist() == answers(estimator, table)


def test_rows_of_codes_are_a_recorded_example(tmp_path: Path) -> None:
    estimator = lightgbm.LGBMRegressor(**SOME).fit(TABLE, TABLE_LOAD)
    model = loaded("lightgbm/txt", text(estimator), tmp_path)
    rows = CODES[~np.isnan(CODES).any(axis=1)][:3].tolist()
    reproduce(model, [Example(inputs=rows, outputs=answers(estimator.booster_, np.array(rows)))])
    with pytest.raises(ModelError, match=r"^does not reproduce its recorded example: row 0"):
        reproduce(model, [Example(inputs=rows, outputs=(0.0, 0.0, 0.0))])


@pytest.mark.served("LightGBM", "categories that training did not have: missing values, as in LightGBM")
def test_an_unknown_category_is_a_missing_value(tmp_path: Path) -> None:
    estimator = lightgbm.LGBMRegressor(**SOME).fit(TABLE, TABLE_LOAD)
    model = loaded("lightgbm/txt", text(estimator), tmp_path)
    kinds, zones = ["cable", "submarine", "mixed"], [20, 20, 99]
    rows = TABLE[:3].assign(kind=pd.Categorical(kinds), zone=pd.Categorical(zones))
    assert model.predict(columns(3, kinds, zones))["y"].tolist() == answers(estimator, rows)


def test_categories_that_are_their_codes_come_in_one_table(tmp_path: Path) -> None:
    table = pd.DataFrame({"hour": pd.Categorical(np.arange(N) % 24), "temperature": GAPS[:, 0]})
    estimator = lightgbm.LGBMRegressor(**SOME).fit(table, LOAD)
    model = loaded("lightgbm/txt", text(estimator), tmp_path)
    assert model.inputs == (TensorSpec("x", (-1, 2), columns=("hour", "temperature")),)
    rows = table.astype(float).to_numpy()
    assert model.predict({"x": rows})["y"].tolist() == answers(estimator, table)


@pytest.mark.not_served(
    "LightGBM",
    "ordered categories of a pandas table by name",
    "the file does not say which columns they are; give the codes of all categories",
)
def test_categories_that_belong_to_columns_unknown_are_taken_by_code(tmp_path: Path) -> None:
    table = TABLE.assign(zone=pd.Categorical(ZONES, ordered=True))
    estimator = lightgbm.LGBMRegressor(**SOME).fit(table, TABLE_LOAD)
    model = loaded("lightgbm/txt", text(estimator), tmp_path)
    assert model.inputs == (TensorSpec("x", (-1, 3), columns=("temperature", "kind", "zone")),)
    assert model.predict({"x": CODES})["y"].tolist() == answers(estimator, table)


@pytest.mark.served("LightGBM", "columns by name, in any order")
def test_columns_are_given_by_name(tmp_path: Path) -> None:
    names = ["温度", "wind", "hour", "load"]
    estimator = lightgbm.LGBMRegressor(**SOME).fit(pd.DataFrame(GAPS, columns=names), LOAD)
    model = loaded("lightgbm/txt", text(estimator), tmp_path)
    inputs = [
        {"name": name, "shape": [2], "datatype": "FP64", "data": [None, number]}
        for number, name in reversed([*enumerate(names)])
    ]
    rows = pd.DataFrame([[np.nan] * 4, [0.0, 1.0, 2.0, 3.0]], columns=names)
    expected = answers(estimator, rows)
    assert infer(model, {"inputs": inputs})["outputs"][0]["data"] == pytest.approx(expected)
