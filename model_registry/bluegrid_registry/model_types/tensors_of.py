"""The tensors that a model takes and gives, read from its bytes without its framework.

Only what is certain: a model with columns of words, or whose columns have names, may take a tensor for each
column, which its bytes alone do not show.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bluegrid_registry.errors import FormatError
from bluegrid_registry.model_types.interface import INTERFACES
from bluegrid_registry.model_types.protobuf import BYTES, VARINT, fields, varints
from bluegrid_registry.model_types.signature import ModelSignature, TensorSignature
from bluegrid_registry.model_types.sniff import member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NAMED_COLUMNS: dict[str, re.Pattern[bytes]] = {
    "scikit-learn/skops": re.compile(rb"feature_names_in_"),
    "xgboost/json": re.compile(rb'"feature_names"\s*:\s*\[\s*"'),
    "xgboost/ubj": re.compile(rb"feature_names\[#L(?!\0{8})"),
    "lightgbm/txt": re.compile(rb"^feature_names=(?!Column_0)", re.MULTILINE),
}
"""By type, what shows that a model has names for its columns."""


def signature_of(model_type: str, data: bytes) -> ModelSignature:
    """Return the signature of a model, as far as its bytes show it."""
    if model_type == "onnx/onnx":
        return _of_graph(data)
    if model_type not in _NAMED_COLUMNS or _has_named_columns(model_type, data):
        return ModelSignature()
    features = INTERFACES[model_type](data).features
    if features is None:
        return ModelSignature()
    return ModelSignature.of([TensorSignature(name="x", datatype="FP64", shape=(-1, features))])


def _has_named_columns(model_type: str, data: bytes) -> bool:
    try:
        text = member(data, b"schema.json") if model_type == "scikit-learn/skops" else data
    except FormatError:
        return True
    return _NAMED_COLUMNS[model_type].search(text) is not None


_GRAPH, _NODE, _INITIALIZER, _INPUT, _OUTPUT = 7, 1, 5, 11, 12
_NODE_OUTPUT, _NODE_OPERATOR, _NODE_ATTRIBUTE = 2, 4, 5
_INTEGERS, _STRINGS = 8, 9
_INITIALIZER_NAME, _NAME, _TYPE = 8, 1, 2
_TENSOR, _ELEMENT, _SHAPE, _DIMENSION, _SIZE = 1, 1, 2, 1, 1
_SEQUENCE, _SEQUENCE_ELEMENT, _MAP, _MAP_VALUE, _OPTIONAL = 4, 1, 5, 2, 9
_ELEMENTS = {
    1: "FP32",
    2: "UINT8",
    3: "INT8",
    4: "UINT16",
    5: "INT16",
    6: "INT32",
    7: "INT64",
    8: "BYTES",
    9: "BOOL",
    10: "FP16",
    11: "FP64",
    12: "UINT32",
    13: "UINT64",
    16: "FP32",
}
"""Element types of onnx.proto3, as a pod takes and gives them: BF16 (16) is FP32."""


def _of_graph(data: bytes) -> ModelSignature:
    try:
        graph = next(_messages(memoryview(data), _GRAPH))
        # Older writers list constants among the inputs.
        constants = {_text(tensor, _INITIALIZER_NAME) for tensor in _messages(graph, _INITIALIZER)}
        inputs = _tensors(graph, _INPUT, lambda name: name not in constants)
        outputs = _tensors(graph, _OUTPUT, lambda _: True)
    except (FormatError, ValueError, StopIteration):
        return ModelSignature()
    if any(tensor.shape[:1] == (-1,) for tensor in inputs or []):
        outputs = [_of_any_rows(tensor) for tensor in outputs or []]
    return ModelSignature.of(inputs or [], outputs or [])


def _of_any_rows(tensor: TensorSignature) -> TensorSignature:
    # onnxmltools declares the labels of any number of rows as one.
    one_row = tensor.shape[:1] == (1,)
    return tensor.model_copy(update={"shape": (-1, *tensor.shape[1:])}) if one_row else tensor


def _tensors(
    graph: memoryview, number: int, is_wanted: Callable[[str], bool]
) -> list[TensorSignature] | None:
    """Return the inputs or outputs of a graph; None if one is no tensor, or has no shape.

    Optional inputs, which requests may leave out, are not among them.
    """
    tensors = []
    classes = _numbers_of_classes(graph) if number == _OUTPUT else {}
    for value in _messages(graph, number):
        name = _text(value, _NAME)
        is_optional = number == _INPUT and any(
            any(_messages(kind, _OPTIONAL)) for kind in _messages(value, _TYPE)
        )
        if is_wanted(name) and not is_optional:
            tensor = _tensor(name, value, classes.get(name, 0))
            if tensor is None:
                return None
            tensors.append(tensor)
    return tensors


def _tensor(name: str, value: memoryview, classes: int) -> TensorSignature | None:
    for kind in _messages(value, _TYPE):
        for tensor in _messages(kind, _TENSOR):
            datatype = _ELEMENTS.get(_integer(tensor, _ELEMENT))
            shape = next(_messages(tensor, _SHAPE), None)
            if datatype is None or shape is None:
                return None
            sizes = [_integer(dimension, _SIZE) for dimension in _messages(shape, _DIMENSION)]
            return TensorSignature(
                name=name, datatype=datatype, shape=tuple(size if size > 0 else -1 for size in sizes)
            )
        if (element := _element_of_maps(kind)) in _ELEMENTS and classes:
            return TensorSignature(name=name, datatype=_ELEMENTS[element], shape=(-1, classes))
    return None


def _numbers_of_classes(graph: memoryview) -> dict[str, int]:
    """Return, by output of a ZipMap, which makes lists of maps of probabilities, how many classes it has."""
    return {
        _text(node, _NODE_OUTPUT): sum(map(_number_of_labels, _messages(node, _NODE_ATTRIBUTE)))
        for node in _messages(graph, _NODE)
        if _text(node, _NODE_OPERATOR) == "ZipMap"
    }


def _number_of_labels(attribute: memoryview) -> int:
    return sum(
        sum(1 for _ in varints(field.content)) if (field.number, field.kind) == (_INTEGERS, BYTES) else 1
        for field in fields(attribute)
        if field.number in (_INTEGERS, _STRINGS)
    )


def _element_of_maps(kind: memoryview) -> int:
    """Return the element type of the values of a sequence of maps (ZipMap); 0: it is something else."""
    path = (_SEQUENCE, _SEQUENCE_ELEMENT, _MAP, _MAP_VALUE, _TENSOR)
    for number in path:
        kind = next(_messages(kind, number), memoryview(b""))
    return _integer(kind, _ELEMENT)


def _messages(message: memoryview, number: int) -> Iterator[memoryview]:
    return (field.content for field in fields(message) if (field.number, field.kind) == (number, BYTES))


def _text(message: memoryview, number: int) -> str:
    return next((bytes(content).decode() for content in _messages(message, number)), "")


def _integer(message: memoryview, number: int) -> int:
    values = (field.value for field in fields(message) if (field.number, field.kind) == (number, VARINT))
    return next(values, 0)
