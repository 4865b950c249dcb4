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
from sklearn.linear_model import Ridge

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


@pytest.mark.parametrize("output", [TensorProto.BFLOAT16, None])
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
