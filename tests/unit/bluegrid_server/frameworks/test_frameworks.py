"""Loaders of other frameworks: each model is trained and saved by its own framework, and answers the same."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import onnx
import pytest
import xgboost
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from bluegrid_registry import FormatError, ModelError, ModelType
from bluegrid_server.frameworks.supported import loader_of
from bluegrid_server.protocol.tensor_spec import TensorSpec
from tests.support.model_requests import infer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bluegrid_server.frameworks.model import Model

X = np.random.default_rng(7).normal(size=(60, 4))
Y = X @ np.array([1.0, -2.0, 0.5, 0.0])
CLASSES = np.digitize(Y, [-1.0, 1.0])


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str, bytes], Model]:
    def loaded(model_type: str, data: bytes) -> Model:
        path = tmp_path / "model"
        path.write_bytes(data)
        parsed = ModelType.parse(model_type)
        parsed.check(data)
        return loader_of(parsed)(path)

    return loaded


@pytest.mark.parametrize("estimator", [Ridge(), RandomForestRegressor(5, random_state=0)])
def test_an_onnx_model_answers_as_onnx_runtime_and_as_its_origin(
    estimator: Any, load: Callable[[str, bytes], Model]
) -> None:
    estimator.fit(X, Y)
    model = load("onnx/onnx", to_onnx(estimator, X[:1].astype(np.float32)).SerializeToString())
    assert model.inputs == (TensorSpec("X", (-1, 4), "FP32"),)
    assert model.outputs == (TensorSpec("variable", (-1, 1), "FP32"),)
    got = model.predict({"X": X.astype(np.float32)})["variable"]
    assert got.reshape(-1) == pytest.approx(estimator.predict(X), rel=1e-4, abs=1e-5)


@pytest.mark.served("ONNX", "classifiers exported with `zipmap=False`: label and probabilities")
def test_an_onnx_classifier_gives_label_and_probabilities(load: Callable[[str, bytes], Model]) -> None:
    estimator = LogisticRegression().fit(X, CLASSES)
    exported = to_onnx(estimator, X[:1].astype(np.float32), options={"zipmap": False})
    model = load("onnx/onnx", exported.SerializeToString())
    assert [(spec.name, spec.datatype) for spec in model.outputs] == [
        ("label", "INT64"),
        ("probabilities", "FP32"),
    ]
    got = model.predict({"X": X.astype(np.float32)})
    assert got["label"].tolist() == estimator.predict(X).tolist()
    assert got["probabilities"] == pytest.approx(estimator.predict_proba(X), abs=1e-5)
    request = {"inputs": [{"name": "X", "shape": [60, 4], "datatype": "FP32", "data": X.tolist()}]}
    (label,) = infer(model, {**request, "outputs": [{"name": "label"}]})["outputs"]
    assert (label["name"], label["datatype"], label["shape"]) == ("label", "INT64", [60])


@pytest.mark.served("ONNX", "string tensors")
def test_an_onnx_model_of_strings_takes_them_as_text_and_as_bytes(
    load: Callable[[str, bytes], Model],
) -> None:
    words = [helper.make_tensor_value_info(name, TensorProto.STRING, [None]) for name in ("a", "b")]
    graph = helper.make_graph([helper.make_node("Identity", ["a"], ["b"])], "g", words[:1], words[1:])
    opset = [helper.make_opsetid("", 17)]
    model = load("onnx/onnx", helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())
    assert model.inputs == (TensorSpec("a", (-1,), "BYTES"),)
    assert model.predict({"a": np.array(["x", b"y"], dtype=object)})["b"].tolist() == ["x", "y"]


@pytest.mark.not_served(
    "ONNX", "weights in files beside the model", "a model is one file; export with `external_data=False`"
)
def test_an_onnx_model_cannot_read_files_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights").write_bytes(np.full(4, 7, np.float32).tobytes())
    weights = onnx.TensorProto(name="W", data_type=TensorProto.FLOAT, dims=[4])
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="weights")
    node = helper.make_node("Gather", ["W", "a"], ["b"])
    given = helper.make_tensor_value_info("a", TensorProto.INT64, [None])
    taken = helper.make_tensor_value_info("b", TensorProto.FLOAT, [None])
    graph = helper.make_graph([node], "g", [given], [taken], [weights])
    opset = [helper.make_opsetid("", 17)]
    data = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    # ONNX Runtime looks for the file in the server's working folder.
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FormatError, match=r"keeps tensors in a file beside it \(external data\)"):
        ModelType.parse("onnx/onnx").check(data)
    path = tmp_path / "model"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"keeps tensors in a file beside it \(external data\)"):
        loader_of(ModelType.parse("onnx/onnx"))(path)


@pytest.mark.parametrize("file_type", ["ubj", "json"])
@pytest.mark.parametrize("labels", [Y, CLASSES], ids=["regression", "classes"])
def test_an_xgboost_model_answers_as_xgboost(
    file_type: str, labels: np.ndarray[Any, Any], load: Callable[[str, bytes], Model]
) -> None:
    parameters: dict[str, Any] = {"nthread": 1, "max_depth": 3}
    if labels is CLASSES:
        parameters |= {"objective": "multi:softprob", "num_class": 3}
    booster = xgboost.train(parameters, xgboost.DMatrix(X, labels), num_boost_round=5)
    model = load(f"xgboost/{file_type}", bytes(booster.save_raw(file_type)))
    assert model.inputs == (TensorSpec("x", (-1, 4)),)
    assert model.outputs[0] == TensorSpec("y", (-1, 3) if labels is CLASSES else (-1,))
    assert model.predict({"x": X})["y"].tolist() == booster.inplace_predict(X).tolist()


@pytest.mark.parametrize("labels", [Y, CLASSES], ids=["regression", "classes"])
def test_a_lightgbm_model_answers_as_lightgbm(
    labels: np.ndarray[Any, Any], load: Callable[[str, bytes], Model]
) -> None:
    parameters: dict[str, Any] = {"num_threads": 1, "verbosity": -1, "min_data_in_leaf": 2}
    if labels is CLASSES:
        parameters |= {"objective": "multiclass", "num_class": 3}
    booster = lightgbm.train(parameters, lightgbm.Dataset(X, labels), num_boost_round=5)
    model = load("lightgbm/txt", booster.model_to_string().encode())
    assert model.outputs[0] == TensorSpec("y", (-1, 3) if labels is CLASSES else (-1,))
    expected = np.asarray(booster.predict(X))
    assert model.predict({"x": X})["y"].tolist() == expected.tolist()
    answers: list[list[float]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(model.predict({"x": X})["y"].tolist()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected.tolist()] * 4


@pytest.mark.parametrize(
    ("model_type", "data"),
    [
        ("onnx/onnx", b"\x08\x07:\x00"),
        ("xgboost/ubj", b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{}"),
        ("xgboost/json", b'{"learner": {}}'),
        ("lightgbm/txt", b"tree\nversion=v4\nnum_class=1\n"),
    ],
)
def test_a_damaged_model_is_told_on_one_line(model_type: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"^is no .* model that this image r") as caught:
        loader_of(ModelType.parse(model_type))(path)
    assert "\n" not in str(caught.value)
