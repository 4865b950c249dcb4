"""A real model of each installed framework, and the layout of a model of each other framework."""

from __future__ import annotations

import io
import pickle
import tarfile
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import joblib
import numpy as np
import skops.io
from onnx import TensorProto, helper
from sklearn.linear_model import Ridge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

X = np.random.default_rng(7).normal(size=(50, 3))
Y = X @ np.array([1.0, -2.0, 0.5])


def joblib_bytes(model: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(model, buffer, **options)
    return buffer.getvalue()


def ridge(alpha: float = 1.0) -> Ridge:
    return Ridge(alpha=alpha).fit(X, Y)


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as writer:
        for name in names:
            writer.writestr(name, "{}")
    return buffer.getvalue()


def folder_of(*names: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as writer:
        for name in names:
            writer.addfile(tarfile.TarInfo(name), io.BytesIO())
    return buffer.getvalue()


def _onnx() -> bytes:
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 3]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", tensors[:1], tensors[1:])
    model = helper.make_model(graph, producer_name="tests", doc_string="a model")
    model.metadata_props.add(key="set", value="g1")
    written: bytes = model.SerializeToString()
    return written


def _xgboost(file_type: str) -> bytes:
    import xgboost

    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(X, label=Y), num_boost_round=2)
    return bytes(booster.save_raw(file_type))


def _lightgbm() -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lightgbm

        data = lightgbm.Dataset(X, Y)
        text: str = lightgbm.train({"verbose": -1, "num_threads": 1}, data, 2).model_to_string()
    return text.encode()


def _catboost() -> bytes:
    import catboost

    with tempfile.TemporaryDirectory() as folder:
        settings = {"iterations": 2, "thread_count": 1, "verbose": 0, "allow_writing_files": False}
        catboost.CatBoostRegressor(**settings).fit(X, Y).save_model(path := f"{folder}/model.cbm")
        return Path(path).read_bytes()


SAMPLES: Mapping[str, Callable[[], bytes]] = {
    "scikit-learn/skops": lambda: skops.io.dumps(ridge()),
    "scikit-learn/joblib": lambda: joblib_bytes(ridge()),
    "scikit-learn/pickle": lambda: pickle.dumps(ridge()),
    "onnx/onnx": _onnx,
    "xgboost/ubj": lambda: _xgboost("ubj"),
    "xgboost/json": lambda: _xgboost("json"),
    "lightgbm/txt": _lightgbm,
    "catboost/cbm": _catboost,
    "safetensors/safetensors": lambda: b"\2\0\0\0\0\0\0\0{}",
    "tensorflow/savedmodel": lambda: folder_of(
        "fingerprint.pb", "saved_model.pb", "variables/variables.index"
    ),
    "keras/keras": lambda: zipped("metadata.json", "config.json", "model.weights.h5"),
    "keras/h5": lambda: b"\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08",
    "spark/spark": lambda: folder_of("data/part-00000.parquet", "metadata/_SUCCESS", "metadata/part-00000"),
}
