"""Compiled boosters answer as XGBoost and LightGBM do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import pytest

from bluegrid_registry import ModelType
from bluegrid_server.frameworks.supported import loader_of
from tests.unit.bluegrid_server.frameworks.compiled import (
    NUMBERED,
    POSITIVE,
    SEVERAL,
    TWO,
    X,
    Y,
    compiled,
    named,
    of_lightgbm,
    of_xgboost,
    unlike_training,
)

if TYPE_CHECKING:
    from pathlib import Path

XGBOOST: list[tuple[dict[str, Any], Any]] = [
    ({}, Y),
    ({}, SEVERAL),
    ({"num_parallel_tree": 3, "subsample": 0.5}, Y),
    ({"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.9]}, Y),
    ({"objective": "binary:logistic"}, TWO),
    ({"objective": "multi:softprob", "num_class": 3}, NUMBERED),
    ({"objective": "count:poisson"}, POSITIVE),
]
LIGHTGBM: list[tuple[dict[str, Any], Any]] = [
    ({}, Y),
    ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, Y),
    ({"objective": "binary"}, TWO),
    ({"objective": "multiclass", "num_class": 3}, NUMBERED),
    ({"objective": "poisson"}, POSITIVE),
]


@pytest.mark.parametrize(("parameters", "y"), XGBOOST, ids=named)
def test_boosters_of_xgboost_answer_as_they_do_in_fp32(
    parameters: dict[str, Any], y: Any, tmp_path: Path, way: str
) -> None:
    own = of_xgboost(tmp_path, parameters, y)
    model, how = compiled(own, "xgboost/ubj")
    assert how == way
    assert (model.inputs, model.outputs) == (own.inputs, own.outputs)
    rows = unlike_training()
    got, expected = model.predict({"x": rows})["y"], own.predict({"x": rows})["y"]
    assert got.dtype == expected.dtype == np.float64
    assert got == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("parameters", "y"), LIGHTGBM, ids=named)
def test_boosters_of_lightgbm_answer_as_they_do(
    parameters: dict[str, Any], y: Any, tmp_path: Path, way: str
) -> None:
    own = of_lightgbm(tmp_path, parameters, y)
    model, how = compiled(own, "lightgbm/txt")
    assert how == way
    assert (model.inputs, model.outputs) == (own.inputs, own.outputs)
    rows = unlike_training()
    rows = np.vstack([rows, np.full((1, 4), -1e-35), np.full((1, 4), 1e-35)])
    assert model.predict({"x": rows})["y"] == pytest.approx(own.predict({"x": rows})["y"], rel=1e-13)


def test_what_lightgbm_takes_for_zero_goes_the_way_that_zero_goes(tmp_path: Path, way: str) -> None:
    signs = np.sign(X - X.mean(axis=0)) * [1, 0, 0, 0]
    # Its splits are then at the edges of the range that it treats as zero, on either side.
    signs[:40] = 0
    data = lightgbm.Dataset(signs, signs[:, 0] + 0.1 * Y)
    trained = lightgbm.train({"verbose": -1, "num_leaves": 4, "num_threads": 1}, data, 3)
    trained.save_model(tmp_path / "m.txt")
    own = loader_of(ModelType.parse("lightgbm/txt"))(tmp_path / "m.txt")
    model, how = compiled(own, "lightgbm/txt")
    edge = float(np.float32(1e-35))
    edges = np.array([-edge, edge, 0.0, *np.nextafter([edge, edge, -edge, -edge], [1, 0, 0, -1])])
    rows = np.repeat(edges[:, np.newaxis], 4, axis=1)
    assert how == way
    assert model.predict({"x": rows})["y"].tolist() == own.predict({"x": rows})["y"].tolist()


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"booster": "dart", "rate_drop": 0.5}, "is of booster dart and objective reg:squarederror"),
        ({"objective": "multi:softmax", "num_class": 3}, "is of booster gbtree and objective multi:softmax"),
    ],
)
def test_a_booster_of_xgboost_that_cannot_be_compiled_says_why(
    parameters: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    own = of_xgboost(tmp_path, parameters, NUMBERED)
    assert compiled(own, "xgboost/ubj") == (own, f"cannot be compiled: {reason}")


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"linear_tree": True}, "has linear models in its leaves"),
        ({"zero_as_missing": True}, "takes zero for a missing value"),
        ({"reg_sqrt": True}, "is of objective regression sqrt"),
    ],
)
def test_a_booster_of_lightgbm_that_cannot_be_compiled_says_why(
    parameters: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    own = of_lightgbm(tmp_path, parameters, Y)
    assert compiled(own, "lightgbm/txt") == (own, f"cannot be compiled: {reason}")
