"""The inputs and outputs of a model are read from its bytes, as frameworks write them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import catboost
import lightgbm
import numpy as np
import onnx
import pytest
import skops.io
import xgboost
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bluegrid_registry.model_types.interface import INTERFACES, Interface, Outputs
from bluegrid_registry.model_types.model_type import model_types

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = np.random.default_rng(0).random((40, 3))
SUMS = ROWS.sum(axis=1)
CLASSES = (SUMS > 1.5).astype(int)
NUMBERS_OF_3, CLASSES_OF_3 = Interface(3, Outputs.NUMBERS), Interface(3, Outputs.CLASSES)


def estimator(made: Any, targets: Any) -> bytes:
    dumped: bytes = skops.io.dumps(made.fit(ROWS, targets))
    return dumped


@pytest.mark.parametrize(
    ("model", "known"),
    [
        (lambda: estimator(LinearRegression(), SUMS), NUMBERS_OF_3),
        (lambda: estimator(LogisticRegression(), CLASSES), CLASSES_OF_3),
        (lambda: estimator(make_pipeline(StandardScaler(), Ridge()), SUMS), NUMBERS_OF_3),
        (lambda: estimator(make_pipeline("passthrough", LogisticRegression()), CLASSES), CLASSES_OF_3),
        (lambda: estimator(GridSearchCV(Ridge(), {"alpha": [1.0]}), SUMS), Interface()),
        (lambda: b"no skops file", Interface()),
    ],
)
def test_an_estimator_tells_by_what_it_keeps(model: Callable[[], bytes], known: Interface) -> None:
    assert INTERFACES["scikit-learn/skops"](model()) == known


@pytest.mark.parametrize(
    ("objective", "targets", "known"),
    [("reg:squarederror", SUMS, NUMBERS_OF_3), ("binary:logistic", CLASSES, CLASSES_OF_3)],
)
@pytest.mark.parametrize("file_type", ["json", "ubj"])
def test_a_booster_of_xgboost_tells_by_its_parameters(
    file_type: str, objective: str, targets: Any, known: Interface
) -> None:
    booster = xgboost.train({"objective": objective, "nthread": 1}, xgboost.DMatrix(ROWS, targets), 2)
    assert INTERFACES[f"xgboost/{file_type}"](bytes(booster.save_raw(file_type))) == known


@pytest.mark.parametrize(
    ("objective", "targets", "known"),
    [("regression", SUMS, NUMBERS_OF_3), ("binary", CLASSES, CLASSES_OF_3)],
)
def test_a_booster_of_lightgbm_tells_in_its_head(objective: str, targets: Any, known: Interface) -> None:
    wanted = {"objective": objective, "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 1}
    text = lightgbm.train(wanted, lightgbm.Dataset(ROWS, targets), 2).model_to_string()
    assert INTERFACES["lightgbm/txt"](text.encode()) == known


@pytest.mark.parametrize(
    ("estimator", "targets", "known"),
    [
        (catboost.CatBoostRegressor, SUMS, Interface(None, Outputs.NUMBERS)),
        (catboost.CatBoostClassifier, CLASSES, Interface(None, Outputs.CLASSES)),
    ],
)
def test_a_model_of_catboost_tells_whether_it_has_classes(
    estimator: Any, targets: Any, known: Interface, tmp_path: Path
) -> None:
    model = estimator(iterations=2, thread_count=1, verbose=0, allow_writing_files=False)
    model.fit(ROWS, targets).save_model(tmp_path / "m.cbm")
    assert INTERFACES["catboost/cbm"]((tmp_path / "m.cbm").read_bytes()) == known
    assert INTERFACES["catboost/cbm"](b"CBM1\0\0\0\0") == Interface()


@pytest.mark.parametrize(
    ("kind", "dimension", "known"),
    [
        (onnx.TensorProto.FLOAT, 3, NUMBERS_OF_3),
        (onnx.TensorProto.INT64, 3, CLASSES_OF_3),
        (onnx.TensorProto.FLOAT, "k", Interface(None, Outputs.NUMBERS)),
    ],
)
def test_an_onnx_model_tells_by_its_graph(kind: int, dimension: int | str, known: Interface) -> None:
    value = partial(onnx.helper.make_tensor_value_info, shape=[None, dimension])
    given, constant = value("x", onnx.TensorProto.FLOAT), value("c", onnx.TensorProto.FLOAT)
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    kept = onnx.helper.make_tensor("c", onnx.TensorProto.FLOAT, [1], [1.0])
    graph = onnx.helper.make_graph([node], "g", [constant, given], [value("y", kind)], [kept])
    model = onnx.helper.make_model(graph).SerializeToString()
    assert INTERFACES["onnx/onnx"](model) == known


def test_every_type_that_tells_is_one() -> None:
    assert {*INTERFACES} <= {*model_types()}
