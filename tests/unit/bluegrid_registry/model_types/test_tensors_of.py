"""The tensors of models, read from their bytes, are those that the framework has."""

from __future__ import annotations

import json
from typing import Any

import lightgbm
import numpy as np
import onnx
import pandas as pd
import pytest
import skops.io
import xgboost
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression, Ridge

from bluegrid_registry.model_types.signature import ModelSignature, TensorSignature
from bluegrid_registry.model_types.tensors_of import signature_of

X = np.random.default_rng(7).normal(size=(40, 3))
Y = X @ [1.0, -2.0, 0.5]
NAMES = ["wind", "load", "hour"]
ROWS = ModelSignature.of([TensorSignature(name="x", datatype="FP64", shape=(-1, 3))])


def boosted(names: list[str] | None = None) -> xgboost.Booster:
    return xgboost.train({}, xgboost.DMatrix(X, Y, feature_names=names), 2)


def light(names: list[str] | None = None) -> bytes:
    data = lightgbm.Dataset(X, Y, feature_name=names or "auto")
    return lightgbm.train({"verbose": -1}, data, 2).model_to_string().encode()


@pytest.mark.parametrize(
    ("model_type", "data"),
    [
        ("scikit-learn/skops", skops.io.dumps(Ridge().fit(X, Y))),
        ("xgboost/ubj", bytes(boosted().save_raw("ubj"))),
        ("xgboost/json", bytes(boosted().save_raw("json"))),
        ("lightgbm/txt", light()),
    ],
    ids=["skops", "ubj", "json", "txt"],
)
def test_rows_of_numbers_are_x(model_type: str, data: bytes) -> None:
    assert signature_of(model_type, data) == ROWS


@pytest.mark.parametrize(
    ("model_type", "data"),
    [
        ("scikit-learn/skops", skops.io.dumps(Ridge().fit(pd.DataFrame(X, columns=NAMES), Y))),
        ("xgboost/ubj", bytes(boosted(NAMES).save_raw("ubj"))),
        ("xgboost/json", bytes(boosted(NAMES).save_raw("json"))),
        ("lightgbm/txt", light(NAMES)),
        ("scikit-learn/joblib", b"\x80\x04."),
        ("scikit-learn/skops", b"PK\x03\x04"),
        ("onnx/onnx", b"\xff\xff"),
    ],
    ids=["skops", "ubj", "json", "txt", "joblib", "no skops", "no graph"],
)
def test_what_is_not_certain_is_not_there(model_type: str, data: bytes) -> None:
    assert signature_of(model_type, data) == ModelSignature()


def graph(inputs: list[Any], outputs: list[Any]) -> bytes:
    constant = helper.make_tensor("c", TensorProto.FLOAT, [1], [1.0])
    made = helper.make_graph([helper.make_node("Identity", ["a"], ["y"])], "g", inputs, outputs, [constant])
    return bytes(helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)]).SerializeToString())


def test_a_graph_has_all_of_its_tensors() -> None:
    value = helper.make_tensor_value_info
    inputs = [
        value("kind", TensorProto.STRING, ["n", 1]),
        value("a", TensorProto.FLOAT, [None, 96, 4]),
        value("c", TensorProto.FLOAT, [1]),
    ]
    data = graph(inputs, [value("y", TensorProto.FLOAT, [None, 96, 4])])
    assert signature_of("onnx/onnx", data) == ModelSignature.of(
        [
            TensorSignature(name="a", datatype="FP32", shape=(-1, 96, 4)),
            TensorSignature(name="kind", datatype="BYTES", shape=(-1, 1)),
        ],
        [TensorSignature(name="y", datatype="FP32", shape=(-1, 96, 4))],
    )


@pytest.mark.parametrize(
    ("kinds", "label"),
    [(np.array(["cable", "overhead", "mixed"]), "BYTES"), (np.array([-1, 0, 1]), "INT64")],
    ids=["words", "integers"],
)
def test_a_classifier_as_it_is_exported_by_default_has_its_label_and_probabilities(
    kinds: Any, label: str
) -> None:
    model = LogisticRegression().fit(X, kinds[np.arange(40) % 3])
    exported = convert_sklearn(model, initial_types=[("rows", FloatTensorType([None, 3]))])
    outputs = signature_of("onnx/onnx", exported.SerializeToString()).outputs
    assert [*map(str, outputs)] == [f"output_label {label} [n]", "output_probability FP32 [n, 3]"]


def test_a_graph_has_the_tensors_that_a_pod_takes_and_gives() -> None:
    value = helper.make_tensor_value_info
    element = helper.make_tensor_type_proto(TensorProto.FLOAT, [None, 2])
    optional = helper.make_value_info("mask", helper.make_optional_type_proto(element))
    inputs = [value("a", TensorProto.BFLOAT16, [None, 2]), optional]
    data = graph(inputs, [value("y", TensorProto.INT64, [1]), value("z", TensorProto.BFLOAT16, [1, 2])])
    signature = signature_of("onnx/onnx", data)
    assert [*map(str, signature.inputs)] == ["a FP32 [n, 2]"]
    assert [*map(str, signature.outputs)] == ["y INT64 [n]", "z FP32 [n, 2]"]


def test_a_graph_of_one_row_gives_one_row() -> None:
    value = helper.make_tensor_value_info
    data = graph([value("a", TensorProto.FLOAT, [1, 2])], [value("y", TensorProto.FLOAT, [1])])
    assert [*map(str, signature_of("onnx/onnx", data).outputs)] == ["y FP32 [1]"]


@pytest.mark.parametrize("output", [TensorProto.FLOAT8E5M2, None], ids=["FP8", "no type"])
def test_a_graph_whose_output_is_not_known_has_its_inputs(output: int | None) -> None:
    value = helper.make_tensor_value_info
    outputs = [onnx.ValueInfoProto(name="y") if output is None else value("y", output, [None])]
    data = graph([value("a", TensorProto.DOUBLE, [None])], outputs)
    expected = ModelSignature.of([TensorSignature(name="a", datatype="FP64", shape=(-1,))])
    assert signature_of("onnx/onnx", data) == expected


def test_a_graph_of_more_dimensions_than_a_tensor_has_is_not_known() -> None:
    value = helper.make_tensor_value_info
    data = graph([value("a", TensorProto.FLOAT, [1] * 33)], [value("y", TensorProto.FLOAT, [None])])
    assert signature_of("onnx/onnx", data) == ModelSignature()


def test_a_signature_is_json_of_a_stable_form() -> None:
    text = ROWS.model_dump_json(exclude_none=True)
    assert json.loads(text) == {
        "inputs": [{"datatype": "FP64", "name": "x", "shape": [-1, 3]}],
        "outputs": [],
    }
    assert ModelSignature.model_validate_json(text) == ROWS
