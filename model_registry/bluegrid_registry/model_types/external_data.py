"""Detects ONNX models with tensors in external files, by their protobuf messages, without ONNX.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto: a TensorProto whose `data_location` is not DEFAULT.
All messages that can hold tensors are searched; another thing named `location` does not count.
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
"""Deepest nesting of messages that is read, the same as protobuf's own limit."""

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
"""The messages that can contain tensors, and the fields that lead to them."""


def has_external_data(model: bytes) -> bool:
    """Whether any tensor of a model is in an external file.

    Raises:
        FormatError: the model is not a sound protobuf message.
    """
    # Every external tensor has the key `location`, so models without these bytes need not be parsed.
    return b"location" in model and _has_external_data(memoryview(model), "ModelProto", _DEEPEST)


def _has_external_data(message: memoryview, kind: str, depth: int) -> bool:
    if not depth:
        raise FormatError("has messages that are nested too deeply")
    if kind == _TENSOR:
        # protobuf keeps the lower 32 bits of an enumeration's 64.
        return any(
            (field.number, field.kind) == (_DATA_LOCATION, VARINT) and field.value & 0xFFFFFFFF
            for field in fields(message)
        )
    nested = FIELDS[kind]
    return any(
        _has_external_data(field.content, nested[field.number], depth - 1)
        for field in fields(message)
        if field.kind == BYTES and field.number in nested
    )
