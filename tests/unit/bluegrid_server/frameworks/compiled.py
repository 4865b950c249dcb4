"""Data of all shapes, and models of each framework that can be compiled."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import pytest
import xgboost

from bluegrid_registry import ModelType
from bluegrid_server.frameworks.compiler import ONNX, TREES, accelerated, compiler_of
from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel
from bluegrid_server.frameworks.supported import loader_of
from bluegrid_server.frameworks.tree_table import TreeTable

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_server.frameworks.compiler import Compiler
    from bluegrid_server.frameworks.model import Model

RANDOM = np.random.default_rng(11)
X = RANDOM.normal(loc=[1e5, 0.0, -3.0, 5.0], scale=[10.0, 1e-3, 10.0, 2.0], size=(160, 4))
Y = ((X - X.mean(axis=0)) / X.std(axis=0)) @ [1.0, -2.0, 0.5, 0.0]
POSITIVE = np.exp(Y / 3)
TWO = Y > 0
THREE = np.array(["low", "mid", "high"])[np.digitize(Y, [-1, 1])]
NUMBERED = np.digitize(Y, [-1, 1])
SEVERAL = np.column_stack([Y, Y**2])


@pytest.fixture(params=[TREES, ONNX])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return how trees run: from their table, or as if they were many, by ONNX Runtime."""
    if request.param == ONNX:
        monkeypatch.setattr(TreeTable, "is_small", False)
    return str(request.param)


def named(value: Any) -> str | None:
    return None if isinstance(value, np.ndarray) else " ".join(repr(value).split())[:80]


def of_scikit_learn(estimator: Any, y: Any) -> Model:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a small network does not converge in the time of a test
        return SklearnModel.of(estimator.fit(X, y))


def of_xgboost(folder: Path, parameters: dict[str, Any], y: Any) -> Model:
    xgboost.train({"max_depth": 4, **parameters}, xgboost.DMatrix(X, y), 15).save_model(folder / "m.ubj")
    return loader_of(ModelType.parse("xgboost/ubj"))(folder / "m.ubj")


def of_lightgbm(folder: Path, parameters: dict[str, Any], y: Any) -> Model:
    given = {"verbose": -1, "num_leaves": 7, "num_threads": 1, **parameters}
    lightgbm.train(given, lightgbm.Dataset(X, y), 15).save_model(folder / "m.txt")
    return loader_of(ModelType.parse("lightgbm/txt"))(folder / "m.txt")


def compiled(model: Model, model_type: str = "scikit-learn/skops", prove: Any = lambda _: None) -> Any:
    return accelerated(model, compiler(model_type), prove)


def compiler(model_type: str) -> Compiler:
    return compiler_of(ModelType.parse(model_type))


def unlike_training() -> Any:
    """Return rows of training, of other ranges, and between rows that only FP64 can tell apart."""
    near = np.repeat(X[:40], 2, axis=0)
    near[::2] = np.nextafter(near[::2], np.inf)
    near[1::2] = near[1::2].astype(np.float32)
    other = RANDOM.normal(size=(300, 4)) * np.geomspace(1e-6, 1e7, 300)[:, np.newaxis]
    return np.vstack([X, near, other, np.zeros((1, 4))])
