"""Files of XGBoost and LightGBM as data: the same table and outputs as a compiler makes of theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost

from bluegrid_registry import ModelType
from bluegrid_server.frameworks.compiler import TREES
from bluegrid_server.frameworks.supported import loader_of, reader_of
from bluegrid_server.frameworks.tree_model import TreeModel
from bluegrid_server.models.as_data import LenientReader, check_alike
from tests.unit.bluegrid_server.frameworks.as_data import read_intact
from tests.unit.bluegrid_server.frameworks.boosters import TABLE, TABLE_LOAD
from tests.unit.bluegrid_server.frameworks.compiled import (
    NUMBERED,
    POSITIVE,
    SEVERAL,
    TWO,
    X,
    Y,
    compiled,
    named,
    unlike_training,
)

if TYPE_CHECKING:
    from collections.abc import Callable

XGBOOST: list[tuple[dict[str, Any], Any]] = [
    ({}, Y),
    ({}, SEVERAL),
    ({"max_depth": 1}, Y),
    ({"min_child_weight": 1e9}, Y),
    ({"num_parallel_tree": 3, "subsample": 0.5}, Y),
    ({"objective": "reg:absoluteerror"}, Y),
    ({"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.9]}, Y),
    ({"objective": "binary:logistic"}, TWO),
    ({"objective": "binary:logistic"}, np.column_stack([TWO, ~TWO])),
    ({"objective": "multi:softprob", "num_class": 3}, NUMBERED),
    ({"objective": "count:poisson"}, POSITIVE),
]
LIGHTGBM: list[tuple[dict[str, Any], Any]] = [
    ({}, Y),
    ({"min_data_in_leaf": 100}, Y),
    ({"zero_as_missing": False, "use_missing": False}, Y),
    ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, Y),
    ({"objective": "binary"}, TWO),
    ({"objective": "cross_entropy"}, TWO),
    ({"objective": "multiclass", "num_class": 3}, NUMBERED),
    ({"objective": "poisson"}, POSITIVE),
]


def of_xgboost(parameters: dict[str, Any], y: Any, rows: Any = X, **more: Any) -> xgboost.Booster:
    data = xgboost.DMatrix(rows, y, enable_categorical=True)
    return xgboost.train({"max_depth": 4, **parameters}, data, 15, **more)


def of_lightgbm(parameters: dict[str, Any], y: Any, rows: Any = X) -> bytes:
    given = {"verbose": -1, "num_leaves": 7, "num_threads": 1, **parameters}
    return lightgbm.train(given, lightgbm.Dataset(rows, y), 15).model_to_string().encode()


def read(data: bytes, model_type: str) -> Any:
    reader = reader_of(ModelType.parse(model_type))
    assert reader is not None
    return read_intact(reader, data)


def read_damaged(data: bytes, model_type: str) -> Any:
    """Read as servers do."""
    kind = ModelType.parse(model_type)
    reader = reader_of(kind)
    assert reader is not None
    return LenientReader(reader, kind)(data)


def check_the_same(data: bytes, model_type: str, folder: Path) -> None:
    """Compare a file that is read as data with the same file compiled, to the bit."""
    path = folder / "model"
    path.write_bytes(data)
    own = loader_of(ModelType.parse(model_type))(path)
    model, how = compiled(own, model_type)
    assert how == TREES
    got = read(data, model_type)
    assert isinstance(got, TreeModel)
    check_alike(got, model)
    rows = unlike_training()
    assert got.predict({"x": rows})["y"].tolist() == model.predict({"x": rows})["y"].tolist()


@pytest.mark.parametrize("file", ["ubj", "json"])
@pytest.mark.parametrize(("parameters", "y"), XGBOOST, ids=named)
def test_boosters_of_xgboost_are_the_same_as_compiled(
    parameters: dict[str, Any], y: Any, file: str, tmp_path: Path
) -> None:
    data = bytes(of_xgboost(parameters, y).save_raw(file))
    check_the_same(data, f"xgboost/{file}", tmp_path)


@pytest.mark.parametrize(("parameters", "y"), LIGHTGBM, ids=named)
def test_boosters_of_lightgbm_are_the_same_as_compiled(
    parameters: dict[str, Any], y: Any, tmp_path: Path
) -> None:
    check_the_same(of_lightgbm(parameters, y), "lightgbm/txt", tmp_path)


NAMED = pd.DataFrame(X, columns=["wind", "风速", "p", "q"])


def test_names_of_features_are_read(tmp_path: Path) -> None:
    check_the_same(bytes(of_xgboost({}, Y, NAMED).save_raw("ubj")), "xgboost/ubj", tmp_path)
    check_the_same(of_lightgbm({}, Y, NAMED), "lightgbm/txt", tmp_path)


@pytest.mark.parametrize("file", ["ubj", "json"])
def test_rounds_after_the_best_are_left_out(file: str, tmp_path: Path) -> None:
    noise = xgboost.DMatrix(X, np.random.default_rng(0).normal(size=len(X)))
    booster = of_xgboost({}, Y, evals=[(noise, "noise")], early_stopping_rounds=3, verbose_eval=False)
    assert booster.best_iteration + 1 < booster.num_boosted_rounds()
    check_the_same(bytes(booster.save_raw(file)), f"xgboost/{file}", tmp_path)


KEPT = Path(__file__).parent / "kept_boosters"
ANSWERS = json.loads((KEPT / "answers.json").read_text())


@pytest.mark.parametrize("name", ["xgboost-3.2.ubj", "xgboost-3.2.json", "lightgbm-4.7.txt"])
def test_files_of_earlier_releases_are_read_and_answer_as_they_did(name: str) -> None:
    framework, file = name.partition("-")[0], name.rpartition(".")[2]
    model = read((KEPT / name).read_bytes(), f"{framework}/{file}")
    assert model.inputs[0].columns == ("wind", "load", "风速")
    assert model.predict({"x": np.array(ANSWERS["rows"])})["y"].tolist() == ANSWERS[name]


@pytest.mark.parametrize("seed", range(8))
def test_files_of_many_kinds_of_numbers_are_the_same_as_compiled(seed: int, tmp_path: Path) -> None:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(300, 4)) * 10.0 ** random.integers(-30, 12, size=4)
    target = random.normal(size=300) * 10.0 ** random.integers(-8, 8)
    check_the_same(bytes(of_xgboost({}, target, rows).save_raw("ubj")), "xgboost/ubj", tmp_path)
    check_the_same(bytes(of_xgboost({}, target, rows).save_raw("json")), "xgboost/json", tmp_path)
    check_the_same(of_lightgbm({}, target, rows), "lightgbm/txt", tmp_path)


@pytest.mark.parametrize(
    "booster",
    [
        lambda: xgboost.train({"booster": "gblinear"}, xgboost.DMatrix(X, Y), 3),
        lambda: of_xgboost({"booster": "dart"}, Y),
        lambda: of_xgboost({"objective": "reg:gamma", "base_score": 1e36}, POSITIVE),
        lambda: of_xgboost({}, TABLE_LOAD, TABLE),
        lambda: of_xgboost({"multi_strategy": "multi_output_tree", "tree_method": "hist"}, SEVERAL),
        lambda: of_xgboost({"objective": "multi:softmax", "num_class": 3}, NUMBERED),
    ],
    ids=["linear", "dart", "sums beyond exp", "categories", "several numbers in a leaf", "labels"],
)
def test_other_boosters_of_xgboost_are_left_to_it(booster: Callable[[], xgboost.Booster]) -> None:
    for file in ("ubj", "json"):
        assert read(bytes(booster().save_raw(file)), f"xgboost/{file}") is None


@pytest.mark.parametrize(
    ("parameters", "target", "rows"),
    [
        ({"linear_tree": True}, Y, X),
        ({"zero_as_missing": True}, Y, X),
        ({}, TABLE_LOAD, TABLE),
        ({"objective": "multiclassova", "num_class": 3}, NUMBERED, X),
    ],
    ids=["linear", "zero is missing", "categories", "one against all"],
)
def test_other_boosters_of_lightgbm_are_left_to_it(
    parameters: dict[str, Any], target: Any, rows: Any
) -> None:
    assert read(of_lightgbm(parameters, target, rows), "lightgbm/txt") is None


UBJ = bytes(of_xgboost({"max_depth": 2}, Y).save_raw("ubj"))
JSON = json.loads(of_xgboost({"max_depth": 2}, Y).save_raw("json"))
TXT = of_lightgbm({"num_leaves": 4}, Y)


@pytest.mark.parametrize("end", [0, 1, 10, 500, len(UBJ) // 2, -1])
def test_a_file_that_ends_too_early_is_left_to_the_framework(end: int) -> None:
    assert read_damaged(UBJ[:end], "xgboost/ubj") is None
    assert read_damaged(json.dumps(JSON).encode()[:end], "xgboost/json") is None
    assert read_damaged(TXT[: TXT.index(b"end of trees")][:end], "lightgbm/txt") is None


@pytest.mark.parametrize(
    ("key", "place", "value"),
    [
        ("left_children", 0, 0),
        ("left_children", 0, -2),
        ("left_children", 0, 99),
        ("right_children", 0, 1),
        ("right_children", 0, -1),
        ("split_indices", 0, 4),
        ("split_indices", 0, 0.5),
        ("split_conditions", 0, 1e16),
        ("split_conditions", 0, None),
        ("split_type", 0, 1),
    ],
)
def test_nodes_of_xgboost_that_are_not_trees_are_refused(key: str, place: int, value: Any) -> None:
    changed = json.loads(json.dumps(JSON))
    assert read(json.dumps(changed).encode(), "xgboost/json") is not None
    changed["learner"]["gradient_booster"]["model"]["trees"][0][key][place] = value
    assert read(json.dumps(changed).encode(), "xgboost/json") is None


@pytest.mark.parametrize("output", [-1, 1, 2**40])
def test_trees_of_xgboost_for_an_output_that_is_not_there_are_refused(output: int) -> None:
    changed = json.loads(json.dumps(JSON))
    changed["learner"]["gradient_booster"]["model"]["tree_info"][0] = output
    assert read(json.dumps(changed).encode(), "xgboost/json") is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"left_child=", b"left_child=0 "),
        (b"\nleft_child=1", b"\nleft_child=0"),
        (b"\nleft_child=1", b"\nleft_child=9"),
        (b"\nsplit_feature=", b"\nsplit_feature=-"),
        (b"\ndecision_type=2", b"\ndecision_type=1"),
        (b"\nthreshold=", b"\nthreshold=1e16 "),
        (b"\nleaf_value=", b"\nleaf_value=nan "),
        (b"\nis_linear=0", b"\nis_linear=1"),
        (b"\nshrinkage=", b"\nanother="),
        (b"version=v4", b"version=v5"),
        (b"num_tree_per_iteration=1", b"num_tree_per_iteration=2"),
        (b"\nend of trees", b"\n"),
        (b"\n", b"\r\n"),
    ],
)
def test_texts_of_lightgbm_with_anything_else_are_refused(before: bytes, after: bytes) -> None:
    assert read(TXT, "lightgbm/txt") is not None
    assert before in TXT
    assert read(TXT.replace(before, after), "lightgbm/txt") is None
