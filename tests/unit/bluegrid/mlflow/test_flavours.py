"""Which file of an MLflow model a set holds, and what is said where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from bluegrid.mlflow.flavours import native_file
from bluegrid_registry import FormatError, ModelType


def sklearn(file: str, serialization_format: str) -> dict[str, Any]:
    return {"sklearn": {"pickled_model": file, "serialization_format": serialization_format}}


@pytest.mark.parametrize(
    ("flavours", "model_type", "file"),
    [
        (sklearn("model.pkl", "cloudpickle"), "scikit-learn/pickle", "model.pkl"),
        (sklearn("model.pkl", "pickle"), "scikit-learn/pickle", "model.pkl"),
        (sklearn("model.skops", "skops"), "scikit-learn/skops", "model.skops"),
        ({"xgboost": {"data": "model.ubj", "model_format": "ubj"}}, "xgboost/ubj", "model.ubj"),
        ({"xgboost": {"data": "model.json"}}, "xgboost/json", "model.json"),
        ({"lightgbm": {"data": "model.lgb"}}, "lightgbm/txt", "model.lgb"),
        ({"onnx": {"data": "model.onnx"}}, "onnx/onnx", "model.onnx"),
        # A model may have several flavours.
        ({**sklearn("a.pkl", "pickle"), "xgboost": {"data": "model.ubj"}}, "xgboost/ubj", "model.ubj"),
    ],
)
def test_a_flavour_has_its_file(flavours: dict[str, Any], model_type: str, file: str) -> None:
    mlmodel = {"flavors": {"python_function": {"loader_module": "mlflow"}, **flavours}}
    assert native_file(mlmodel, ModelType.parse(model_type), "g1") == file


@pytest.mark.parametrize(
    ("mlmodel", "model_type", "message"),
    [
        (
            {"flavors": {"pytorch": {}, "python_function": {}}},
            "onnx/onnx",
            "its flavour is pytorch, and set g1",
        ),
        (
            {"flavors": {"python_function": {}}},
            "onnx/onnx",
            "python_function, .* push its files: bluegrid push",
        ),
        (
            {"flavors": {"onnx": {"data": "model.onnx"}}},
            "xgboost/ubj",
            "its flavour is onnx, and set g1 holds xgboost/ubj; import it into a set of onnx",
        ),
        (
            {"flavors": {"xgboost": {"data": "model.xgb", "model_format": "xgb"}}},
            "xgboost/ubj",
            "xgboost is in model.xgb, which no set holds; log it with model_format='ubj'",
        ),
        (
            {"flavors": {"xgboost": {"data": "model.json", "model_format": "json"}}},
            "xgboost/ubj",
            "of type xgboost/json, and set g1 holds xgboost/ubj; import it into a set of xgboost/json",
        ),
        (
            {"flavors": {"lightgbm": {"data": "model.pkl"}}},
            "lightgbm/txt",
            r"in model.pkl, which no set holds; log its Booster: mlflow.lightgbm.log_model\(model.booster_\)",
        ),
        ({"flavors": {"onnx": {"data": "../../secret"}}}, "onnx/onnx", r"names no file \('../../secret'\)"),
        ({"flavors": {"onnx": {"data": "/etc/passwd"}}}, "onnx/onnx", "names no file"),
        ({"flavors": {"onnx": {}}}, "onnx/onnx", "names no file"),
        ({"flavors": []}, "onnx/onnx", "its MLmodel names no flavour"),
        ("text", "onnx/onnx", "its MLmodel names no flavour"),
    ],
)
def test_what_a_set_does_not_hold_is_named_with_what_to_do(
    mlmodel: Any, model_type: str, message: str
) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        native_file(mlmodel, ModelType.parse(model_type), "g1")
    assert "\n" not in str(caught.value)
