"""Models of CatBoost answer as CatBoost's estimators that have loaded the same file, to the bit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import catboost
import numpy as np
import orjson
import pandas as pd
import pytest

from bluegrid_registry import ModelError, ModelType
from bluegrid_server.engine.simple_form import predictions_of
from bluegrid_server.engine.steps import RequestSteps
from bluegrid_server.errors import InputError
from bluegrid_server.frameworks.supported import loader_of
from bluegrid_server.models.version import ServedModel
from bluegrid_server.protocol.requests import Kind, Request
from bluegrid_server.protocol.tensor_spec import TensorSpec
from tests.support.model_requests import infer
from tests.unit.bluegrid_server.frameworks.boosters import (
    GAPS,
    KINDS,
    LABELS,
    LOAD,
    POSITIVE,
    TABLE_LOAD,
    TARGETS,
    THREE,
    TWO,
    ZONES,
    N,
    columns,
    loaded,
    named,
)

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_server.models.model_pool import ModelPool
    from bluegrid_server.settings import Settings

SOME: dict[str, Any] = {"iterations": 8, "depth": 3, "thread_count": 1, "verbose": 0}
SOME |= {"allow_writing_files": False}
TABLE = pd.DataFrame({"temperature": GAPS[:, 0], "kind": KINDS, "zone": ZONES})


def written(model: Any, folder: Path) -> bytes:
    model.save_model(folder / "written.cbm")
    return (folder / "written.cbm").read_bytes()


@pytest.mark.served("CatBoost", "regression, missing values")
@pytest.mark.served("CatBoost", "several quantiles")
@pytest.mark.served("CatBoost", "several targets")
@pytest.mark.served("CatBoost", "ranking")
@pytest.mark.parametrize(
    ("estimator", "labels", "fitting"),
    [
        (catboost.CatBoostRegressor(), LOAD, {}),
        (catboost.CatBoostRegressor(loss_function="Poisson"), POSITIVE, {}),
        (catboost.CatBoostRegressor(loss_function="Tweedie:variance_power=1.5"), POSITIVE, {}),
        (catboost.CatBoostRegressor(loss_function="Quantile:alpha=0.9"), LOAD, {}),
        (catboost.CatBoostRegressor(loss_function="MultiQuantile:alpha=0.1,0.5,0.9"), LOAD, {}),
        (catboost.CatBoostRegressor(loss_function="MultiRMSE"), TARGETS, {}),
        (catboost.CatBoostRegressor(loss_function="RMSEWithUncertainty"), LOAD, {}),
        (catboost.CatBoostRanker(), THREE, {"group_id": np.arange(N) // 10}),
    ],
    ids=named,
)
def test_a_regressor_answers_as_it_does_itself(
    estimator: Any, labels: Any, fitting: dict[str, Any], tmp_path: Path
) -> None:
    estimator.set_params(**SOME).fit(GAPS, labels, **fitting)
    model = loaded("catboost/cbm", written(estimator, tmp_path), tmp_path)
    assert model.inputs == (TensorSpec("x", (-1, 4)),)
    assert model.predict({"x": GAPS})["y"].tolist() == estimator.predict(GAPS).tolist()
    margin = model.on_request({"x": GAPS}, ["margin"])["margin"]
    assert margin.tolist() == catboost.CatBoost.predict(estimator, GAPS).tolist()


@pytest.mark.served("CatBoost", "classifiers: labels; `probability` with its classes and `margin` on request")
@pytest.mark.parametrize(
    ("labels", "datatype", "shape", "classes"),
    [
        (TWO, "INT64", (-1,), (0, 1)),
        (np.where(TWO, "trip", "ok"), "BYTES", (-1,), ("ok", "trip")),
        (TWO > 0, "BOOL", (-1,), (False, True)),
        (np.array([0.5, 1.5, 2.5])[THREE], "FP64", (-1, 1), (0.5, 1.5, 2.5)),
        (np.array(["低", "中", "高"])[THREE], "BYTES", (-1, 1), ("中", "低", "高")),
    ],
    ids=named,
)
def test_a_classifier_gives_labels_and_probabilities(
    labels: Any, datatype: str, shape: Any, classes: Any, tmp_path: Path
) -> None:
    estimator = catboost.CatBoostClassifier(**SOME).fit(GAPS, labels)
    model = loaded("catboost/cbm", written(estimator, tmp_path), tmp_path)
    got = model.predict({"x": GAPS})["y"]
    assert got.tolist() == estimator.predict(GAPS).tolist()
    more = model.on_request({"x": GAPS}, ["probability", "margin"])
    assert more["probability"].tolist() == estimator.predict_proba(GAPS).tolist()
    assert more["margin"].tolist() == estimator.predict(GAPS, prediction_type="RawFormulaVal").tolist()
    y, _, probability = model.outputs
    assert y == TensorSpec("y", shape, datatype)
    assert probability.classes == tuple(estimator.classes_.tolist()) == classes


def test_a_classifier_of_several_labels_gives_each_and_its_probability(tmp_path: Path) -> None:
    estimator = catboost.CatBoostClassifier(loss_function="MultiLogloss", **SOME).fit(GAPS, LABELS)
    model = loaded("catboost/cbm", written(estimator, tmp_path), tmp_path)
    assert model.predict({"x": GAPS})["y"].tolist() == estimator.predict(GAPS).tolist()
    got = model.on_request({"x": GAPS}, ["probability"])["probability"]
    assert got.tolist() == estimator.predict_proba(GAPS).tolist()
    assert [spec.classes for spec in model.outputs] == [(), (), ()]


@pytest.mark.served("CatBoost", "categories by name: strings, or integers")
def test_categories_are_strings_or_integers_in_columns(tmp_path: Path) -> None:
    estimator = catboost.CatBoostRegressor(**SOME).fit(TABLE, TABLE_LOAD, cat_features=["kind", "zone"])
    model = loaded("catboost/cbm", written(estimator, tmp_path), tmp_path)
    assert [(spec.name, spec.datatype) for spec in model.inputs] == [
        ("temperature", "FP64"),
        ("kind", "BYTES"),
        ("zone", "BYTES"),
    ]
    expected = estimator.predict(TABLE).tolist()
    words = {**columns(N), "zone": ZONES.astype(str).astype(object).reshape(-1, 1)}
    assert model.predict(words)["y"].tolist() == expected
    kind = {"name": "kind", "shape": [3, 1], "datatype": "BYTES", "data": KINDS[:3].tolist()}
    temperature = {"name": "temperature", "shape": [3], "datatype": "FP64", "data": [0.5, None, -0.5]}
    rows = TABLE[:3].assign(temperature=[0.5, np.nan, -0.5])
    for datatype, data in (("INT64", ZONES[:3].tolist()), ("BYTES", ZONES[:3].astype(str).tolist())):
        zone = {"name": "zone", "shape": [3], "datatype": datatype, "data": data}
        got = infer(model, {"inputs": [zone, kind, temperature]})
        assert got["outputs"][0]["data"] == pytest.approx(estimator.predict(rows).tolist())
    served = ServedModel("line-1", "sha256:0", model)
    for instances in (
        rows.replace(np.nan, None).to_dict("records"),
        rows.replace(np.nan, None).to_numpy().tolist(),
    ):
        assert predictions_of(served, instances)[0] == pytest.approx(estimator.predict(rows).tolist())


@pytest.mark.served("CatBoost", "categories that training did not have, as CatBoost answers them")
def test_an_unknown_category_is_answered(tmp_path: Path) -> None:
    estimator = catboost.CatBoostRegressor(**SOME).fit(TABLE, TABLE_LOAD, cat_features=["kind", "zone"])
    model = loaded("catboost/cbm", written(estimator, tmp_path), tmp_path)
    rows = TABLE[:2].assign(kind=["submarine", "海底"])
    inputs = {**columns(2, ["submarine", "海底"]), "zone": ZONES[:2].astype(str).reshape(-1, 1)}
    assert model.predict(inputs)["y"].tolist() == estimator.predict(rows).tolist()


def test_the_metadata_of_categories_names_their_table(tmp_path: Path) -> None:
    estimator = catboost.CatBoostRegressor(**SOME).fit(TABLE, TABLE_LOAD, cat_features=["kind", "zone"])
    served = ServedModel("m", "sha256:0", loaded("catboost/cbm", written(estimator, tmp_path), tmp_path))
    settings = cast("Settings", SimpleNamespace(version="v1", type="catboost/cbm", accelerate=None))
    pool = cast("ModelPool", {"m": served})
    (response,) = RequestSteps(settings, pool).responses(Request(Kind.DESCRIBE, "m", b""))
    temperature, kind, _ = orjson.loads(response.body)["inputs"]
    assert temperature["parameters"] == {"table": "x"}
    assert kind["parameters"] == {"table": "x", "takes_integers": True}


def test_categories_that_are_integers_also_come_in_one_table(tmp_path: Path) -> None:
    table = TABLE[["temperature", "zone"]]
    estimator = catboost.CatBoostRegressor(**SOME).fit(table, TABLE_LOAD, cat_features=["zone"])
    model = loaded("catboost/cbm", written(estimator, tmp_path), tmp_path)
    assert model.predict({"x": table.to_numpy()})["y"].tolist() == estimator.predict(table).tolist()
    with pytest.raises(InputError, match=r"^input 'x': column 'zone' must hold integers: categories"):
        model.predict({"x": np.array([[0.5, 20.5]])})


@pytest.mark.served("CatBoost", "texts")
def test_texts_are_strings_in_a_column(tmp_path: Path) -> None:
    words = np.array(["line trip after storm", "planned outage", "storm damage on line"], dtype=object)
    table = pd.DataFrame({"note": words[np.arange(N) % 3], "temperature": GAPS[:, 0]})
    estimator = catboost.CatBoostRegressor(**SOME).fit(table, TABLE_LOAD, text_features=["note"])
    model = loaded("catboost/cbm", written(estimator, tmp_path), tmp_path)
    got = model.predict({"note": table[["note"]].to_numpy(), "temperature": GAPS[:, :1]})["y"]
    assert got.tolist() == estimator.predict(table).tolist()


@pytest.mark.not_served(
    "CatBoost", "embeddings", "train the model with the numbers of the embedding as features"
)
def test_embeddings_are_refused(tmp_path: Path) -> None:
    table = pd.DataFrame({"place": [row.tolist() for row in np.nan_to_num(GAPS)], "hour": np.arange(N) % 24})
    estimator = catboost.CatBoostRegressor(**SOME).fit(table, LOAD, embedding_features=["place"])
    with pytest.raises(ModelError, match=r"^takes embeddings \(feature 'place'\), which are not served"):
        loaded("catboost/cbm", written(estimator, tmp_path), tmp_path)


@pytest.mark.served("CatBoost", "columns by name")
def test_columns_that_are_numbers_are_named_in_one_table(tmp_path: Path) -> None:
    names = ["温度", "wind speed", "hour", "load"]
    estimator = catboost.CatBoostRegressor(**SOME).fit(pd.DataFrame(GAPS, columns=names), LOAD)
    model = loaded("catboost/cbm", written(estimator, tmp_path), tmp_path)
    assert model.inputs == (TensorSpec("x", (-1, 4), columns=tuple(names)),)


@pytest.mark.served("CatBoost", "early stopping: the best iteration answers")
def test_a_model_that_stopped_early_answers_by_its_best_round(tmp_path: Path) -> None:
    settings = {**SOME, "iterations": 80, "learning_rate": 0.9}
    estimator = catboost.CatBoostRegressor(**settings, early_stopping_rounds=3)
    estimator.fit(GAPS[:120], LOAD[:120], eval_set=(GAPS[120:], LOAD[120:]))
    model = loaded("catboost/cbm", written(estimator, tmp_path), tmp_path)
    assert estimator.tree_count_ == estimator.get_best_iteration() + 1
    assert model.predict({"x": GAPS})["y"].tolist() == estimator.predict(GAPS).tolist()


def test_a_file_of_a_newer_catboost_is_refused(tmp_path: Path) -> None:
    major, minor, _ = catboost.__version__.split(".")
    data = written(catboost.CatBoostRegressor(**SOME).fit(GAPS, LOAD), tmp_path)
    newer = f"{major}.{int(minor) + 1}"
    data = data.replace(f"{major}.{minor}.".encode(), f"{newer}.".encode())
    with pytest.raises(
        ModelError, match=rf"^was written by CatBoost {newer}\.\d+, and this image has {major}"
    ):
        loaded("catboost/cbm", data, tmp_path)


def test_a_damaged_file_is_refused_on_one_line(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"CBM1\x10\0\0\0" + bytes(16))
    with pytest.raises(ModelError, match=r"^is no CatBoost model that this image reads: [^\n/]*$"):
        loader_of(ModelType.parse("catboost/cbm"))(tmp_path / "model")
