"""Whether an ONNX model keeps tensors in files beside it, read from its protobuf messages without ONNX.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto: a TensorProto whose `data_location` is not DEFAULT. It
is looked for wherever a model has tensors; a thing that is merely named `location` is not one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.errors import FormatError
from bluegrid_registry.model_types.protobuf import BYTES, VARINT, fields

if TYPE_CHECKING:
    from collections.abc import Mapping

_TENSOR = "TensorProto"
_DATA_LOCATION = 14
_DEEPEST = 100
"""Depth of nested messages; protobuf itself reads no more."""

FIELDS: Mapping[str, Mapping[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "GraphProto": {1: "NodeProto", 5: _TENSOR, 15: "SparseTensorProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: _TENSOR,
        6: "GraphProto",
        10: _TENSOR,
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: _TENSOR, 2: _TENSOR},
}
"""The messages that lead to tensors, with the fields that do so."""


def has_external_data(model: bytes) -> bool:
    """Whether any tensor of a model is outside of it.

    Raises:
        FormatError: the model is not a sound protobuf message.
    """
    # Every such tensor has these bytes as a key, so most models need not be parsed.
    return b"location" in model and _has_external_data(memoryview(model), "ModelProto", _DEEPEST)


def _has_external_data(message: memoryview, kind: str, depth: int) -> bool:
    if not depth:
        raise FormatError("has messages that are nested too deeply")
    if kind == _TENSOR:
        # Of an enumeration's 64 bits protobuf keeps the lower 32.
        return any(
            (each.number, each.kind) == (_DATA_LOCATION, VARINT) and each.value & 0xFFFFFFFF
            for each in fields(message)
        )
    inside = FIELDS[kind]
    return any(
        _has_external_data(each.content, inside[each.number], depth - 1)
        for each in fields(message)
        if each.kind == BYTES and each.number in inside
    )
