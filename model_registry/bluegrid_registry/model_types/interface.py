"""The interface of a model, its inputs and outputs, read from its bytes without its framework.

Each function returns only what is certain; None means unknown, not invalid.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bluegrid_registry.errors import FormatError
from bluegrid_registry.model_types.protobuf import BYTES, VARINT, fields
from bluegrid_registry.model_types.sniff import member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Outputs(StrEnum):
    """The kind of a model's outputs."""

    NUMBERS = "numbers"
    CLASSES = "classes"


@dataclass(frozen=True)
class Interface:
    """The inputs and outputs of a model.

    Attributes:
        features: number of features in a row of inputs; None: not known.
        outputs: kind of the outputs; None: not known.
    """

    features: int | None = None
    outputs: Outputs | None = None


_XGBOOST_JSON_FEATURES = re.compile(rb'"num_feature"\s*:\s*"(\d{1,9})"')
_XGBOOST_JSON_OBJECTIVE = re.compile(rb'"objective"\s*:\s*\{[^{}]*?"name"\s*:\s*"([a-z:_]{1,40})"')
_XGBOOST_UBJ_FEATURES = re.compile(rb"L\0{7}\x0bnum_featureSL\0{7}[\x01-\x09](\d{1,9})")
_XGBOOST_UBJ_OBJECTIVE = re.compile(
    rb"L\0{7}\x04nameSL\0{7}[\x01-\x28]((?:binary|multi|reg|count|rank):[a-z_]+)"
)
_LIGHTGBM_FEATURES = re.compile(rb"^max_feature_idx=(\d{1,9})\r?$", re.MULTILINE)
_LIGHTGBM_OBJECTIVE = re.compile(rb"^objective=([a-z_]+)", re.MULTILINE)
_OF_CLASSES = ("binary", "multi")
"""Prefixes of the objectives of boosters that are classifiers."""


def skops(data: bytes) -> Interface:
    """Read the attributes of a fitted scikit-learn estimator: `n_features_in_`, and `classes_` if any."""
    try:
        root = json.loads(member(data, b"schema.json"))
        return Interface(_features(root), _outputs(root))
    except (FormatError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        # `sniff.skops` checks whether the bytes are a model.
        return Interface()


def _features(estimator: dict[str, Any]) -> int | None:
    attributes = _attributes(estimator)
    if (node := attributes.get("n_features_in_")) is not None:
        return int(node["content"])
    steps = _steps(attributes)
    return _features(steps[0]) if steps else None


def _outputs(estimator: dict[str, Any]) -> Outputs | None:
    attributes = _attributes(estimator)
    if steps := _steps(attributes):
        return _outputs(steps[-1])
    if "classes_" in attributes:
        return Outputs.CLASSES
    # An estimator that delegates to another estimator has no `n_features_in_` of its own.
    return Outputs.NUMBERS if "n_features_in_" in attributes else None


def _attributes(estimator: dict[str, Any]) -> dict[str, Any]:
    content = estimator.get("content")
    found = content.get("content") if isinstance(content, dict) else None
    return found if isinstance(found, dict) else {}


def _steps(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the estimators of a pipeline, without `passthrough` steps."""
    pairs = attributes["steps"]["content"] if "steps" in attributes else []
    steps = [pair["content"][1] for pair in pairs]
    return [step for step in steps if step.get("__loader__") == "ObjectNode"]


def xgboost_json(data: bytes) -> Interface:
    """Read the parameters of the learner, and the name of its objective."""
    return _of_booster(data, _XGBOOST_JSON_FEATURES, _XGBOOST_JSON_OBJECTIVE)


def xgboost_ubj(data: bytes) -> Interface:
    """Read the same in UBJSON."""
    return _of_booster(data, _XGBOOST_UBJ_FEATURES, _XGBOOST_UBJ_OBJECTIVE)


def lightgbm(data: bytes) -> Interface:
    """Read the lines `max_feature_idx` and `objective` of the header."""
    found = _of_booster(data, _LIGHTGBM_FEATURES, _LIGHTGBM_OBJECTIVE)
    return Interface(None if found.features is None else found.features + 1, found.outputs)


def catboost(data: bytes) -> Interface:
    """Read whether there are classes; the number of features is in a flatbuffer."""
    if b"FlabuffersModel_v1" not in data:
        return Interface()
    return Interface(outputs=Outputs.CLASSES if b"class_params\0" in data else Outputs.NUMBERS)


def _of_booster(data: bytes, features: re.Pattern[bytes], objective: re.Pattern[bytes]) -> Interface:
    number, name = features.search(data), objective.search(data)
    outputs = None
    if name is not None:
        is_of_classes = name[1].decode().startswith(_OF_CLASSES)
        outputs = Outputs.CLASSES if is_of_classes else Outputs.NUMBERS
    return Interface(int(number[1]) if number else None, outputs)


_GRAPH, _INITIALIZER, _INPUT, _OUTPUT = 7, 5, 11, 12
_TENSOR_NAME, _VALUE_NAME, _VALUE_TYPE = 8, 1, 2
_TENSOR_TYPE, _ELEMENT, _SHAPE, _DIMENSION, _SIZE = 1, 1, 2, 1, 1
_NUMBERS, _CLASSES = (1, 10, 11), (6, 7, 8)
"""Element types of onnx.proto3: floats of 32, 16 and 64 bits; int32, int64 and strings."""


def onnx(data: bytes) -> Interface:
    """Read the second dimension of the graph's only input, and the type of its first output."""
    try:
        (graph,) = _inside(memoryview(data), _GRAPH)
        constants = {_text(each, _TENSOR_NAME) for each in _inside(graph, _INITIALIZER)}
        # Older writers list constants among the inputs.
        inputs = [each for each in _inside(graph, _INPUT) if _text(each, _VALUE_NAME) not in constants]
        output = next(_inside(graph, _OUTPUT), None)
        return Interface(
            _row_length(inputs[0]) if len(inputs) == 1 else None,
            None if output is None else _kind_of(output),
        )
    except (FormatError, ValueError):
        return Interface()


def _row_length(value: memoryview) -> int | None:
    shapes = [shape for each in _tensor_types(value) for shape in _inside(each, _SHAPE)]
    dimensions = [*_inside(shapes[0], _DIMENSION)] if shapes else []
    if len(dimensions) != 2:
        return None
    sizes = [each.value for each in fields(dimensions[1]) if (each.number, each.kind) == (_SIZE, VARINT)]
    return sizes[0] if sizes and sizes[0] > 0 else None


def _kind_of(value: memoryview) -> Outputs | None:
    for each in _tensor_types(value):
        for field in fields(each):
            if (field.number, field.kind) == (_ELEMENT, VARINT):
                if field.value in _NUMBERS:
                    return Outputs.NUMBERS
                return Outputs.CLASSES if field.value in _CLASSES else None
    return None


def _tensor_types(value: memoryview) -> Iterator[memoryview]:
    for each in _inside(value, _VALUE_TYPE):
        yield from _inside(each, _TENSOR_TYPE)


def _inside(message: memoryview, number: int) -> Iterator[memoryview]:
    return (each.content for each in fields(message) if (each.number, each.kind) == (number, BYTES))


def _text(message: memoryview, number: int) -> bytes:
    return next((bytes(each) for each in _inside(message, number)), b"")


INTERFACES: dict[str, Callable[[bytes], Interface]] = {
    "scikit-learn/skops": skops,
    "onnx/onnx": onnx,
    "xgboost/ubj": xgboost_ubj,
    "xgboost/json": xgboost_json,
    "lightgbm/txt": lightgbm,
    "catboost/cbm": catboost,
}
"""The types with a readable interface; pickles, folders and HDF5 files are not read."""
