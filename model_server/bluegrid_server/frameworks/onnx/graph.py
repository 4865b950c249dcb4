"""Messages of an ONNX file as this server reads and rewrites them, in wire format, without the package onnx.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto has the numbers of the fields.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid_registry.model_types.protobuf import BYTES, VARINT, fields, integer, nested, varints

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# ModelProto
OPSET_IMPORT, GRAPH, FUNCTION = 8, 7, 25
# GraphProto
GRAPH_NODE, INITIALIZER, INPUT, OUTPUT, VALUE_INFO = 1, 5, 11, 12, 13
INITIALIZER_NAME = 8
# FunctionProto
FUNCTION_NAME, FUNCTION_OUTPUT, FUNCTION_NODE, FUNCTION_OPSET, FUNCTION_DOMAIN = 1, 5, 7, 9, 10
# NodeProto
NODE_INPUT, NODE_OUTPUT, NODE_NAME, NODE_OPERATOR, NODE_ATTRIBUTE, NODE_DOMAIN = 1, 2, 3, 4, 5, 7
# AttributeProto
ATTRIBUTE_NAME, ATTRIBUTE_INTEGER, ATTRIBUTE_STRING, ATTRIBUTE_TYPE = 1, 3, 4, 20
ATTRIBUTE_INTEGERS, ATTRIBUTE_STRINGS = 8, 9
# ValueInfoProto
VALUE_NAME, VALUE_TYPE = 1, 2
# TypeProto: TENSOR has an element type and a shape; the others have an element, MAP a key and a value.
TENSOR, SEQUENCE, MAP, OPTIONAL = 1, 4, 5, 9
ELEMENT, SHAPE, DIMENSION, SIZE, MAP_VALUE = 1, 2, 1, 1, 2
# OperatorSetIdProto
OPSET_DOMAIN, OPSET_VERSION = 1, 2

FLOAT, BFLOAT16 = 1, 16
"""Elements of tensors (TensorProto.DataType)."""
_INTEGER, _STRING = 2, 3
"""AttributeProto.AttributeType."""
_ML = b"ai.onnx.ml"
STANDARD = (b"", b"ai.onnx")
"""Both names of the domain of ONNX's own operators."""


@dataclass(frozen=True)
class Node:
    """The parts of a NodeProto that matter here; names are bytes in UTF-8."""

    operator: bytes
    domain: bytes
    inputs: tuple[bytes, ...]
    outputs: tuple[bytes, ...]
    attributes: tuple[memoryview, ...]

    @classmethod
    def read(cls, message: memoryview) -> Node:
        """Read a NodeProto."""
        contents = defaultdict[int, list[memoryview]](list)
        for field in fields(message):
            contents[field.number].append(field.content)
        return cls(
            b"".join(contents[NODE_OPERATOR]),
            b"".join(contents[NODE_DOMAIN]),
            tuple(map(bytes, contents[NODE_INPUT])),
            tuple(map(bytes, contents[NODE_OUTPUT])),
            tuple(contents[NODE_ATTRIBUTE]),
        )

    @property
    def makes_maps(self) -> bool:
        """Whether the node makes a list of maps from the rows of a tensor."""
        return (self.operator, self.domain) == (b"ZipMap", _ML)

    @property
    def takes_maps(self) -> bool:
        """Whether the node makes a row of a tensor from a map."""
        return (self.operator, self.domain) == (b"DictVectorizer", _ML)

    @property
    def changes_case(self) -> bool:
        """Whether the node changes the case of strings, by the rules of a locale."""
        return self.operator == b"StringNormalizer" and self.domain in STANDARD

    def keys(self) -> tuple[str | int, ...]:
        """Return the keys of the node's maps, in the order of the tensor's columns."""
        for attribute in self.attributes:
            name = text(attribute, ATTRIBUTE_NAME)
            if name in (b"classlabels_strings", b"string_vocabulary"):
                return tuple(bytes(each).decode() for each in inside(attribute, ATTRIBUTE_STRINGS))
            if name in (b"classlabels_int64s", b"int64_vocabulary"):
                return tuple(each - 2**64 if each >= 2**63 else each for each in _integers(attribute))
        return ()


def inside(message: memoryview, number: int) -> Iterator[memoryview]:
    """Yield the contents of the fields of this number that are messages, strings or packed integers."""
    return (field.content for field in fields(message) if (field.number, field.kind) == (number, BYTES))


def text(message: memoryview, number: int) -> bytes:
    """Return a string field; empty if there is none."""
    return next((bytes(each) for each in inside(message, number)), b"")


def one_of(message: memoryview, *path: int) -> memoryview | None:
    """Return the message at the end of a path of fields; None: there is none."""
    found: memoryview | None = message
    for number in path:
        found = None if found is None else next(inside(found, number), None)
    return found


def _integers(attribute: memoryview) -> Iterator[int]:
    # onnx.proto (proto2) writes each integer as a field, other writers pack them into one.
    for field in fields(attribute):
        if field.number == ATTRIBUTE_INTEGERS:
            yield from (field.value,) if field.kind == VARINT else varints(field.content)


def element_of(value: memoryview) -> int:
    """Return the element type of a ValueInfoProto of a tensor; 0: not a tensor, or unknown."""
    kind = one_of(value, VALUE_TYPE)
    return 0 if kind is None else element_of_type(kind)


def element_of_type(kind: memoryview) -> int:
    """Return the element type of a TypeProto of a tensor; 0: not a tensor, or unknown."""
    tensor = one_of(kind, TENSOR)
    found = () if tensor is None else fields(tensor)
    return next((field.value for field in found if field.number == ELEMENT), 0)


def shape_of(value: memoryview) -> tuple[int, ...] | None:
    """Return the shape of a value, of a sequence's elements or of an optional's; None: any rank.

    A size that is not fixed is -1.
    """
    kind: memoryview | None = next(inside(value, VALUE_TYPE), None)
    while kind is not None and one_of(kind, TENSOR) is None:
        kind = one_of(kind, SEQUENCE, ELEMENT) or one_of(kind, OPTIONAL, ELEMENT)
    shape = None if kind is None else one_of(kind, TENSOR, SHAPE)
    return None if shape is None else tuple(map(_size, inside(shape, DIMENSION)))


def shapes(model: memoryview) -> dict[str, tuple[int, ...] | None]:
    """Return the shape of each input and output of a model, as `shape_of` does."""
    graph = next(inside(model, GRAPH))
    return {
        text(value, VALUE_NAME).decode(): shape_of(value)
        for number in (INPUT, OUTPUT)
        for value in inside(graph, number)
    }


def _size(dimension: memoryview) -> int:
    sizes = (field.value for field in fields(dimension) if (field.number, field.kind) == (SIZE, VARINT))
    size = next(sizes, 0)
    return size if 0 < size < 2**63 else -1


def node(
    operator: str, given: bytes, taken: bytes, attributes: Iterable[bytes] = (), name: bytes = b""
) -> bytes:
    """Return a NodeProto of ONNX's own domain with one input and one output."""
    return b"".join(
        (
            nested(NODE_INPUT, given),
            nested(NODE_OUTPUT, taken),
            nested(NODE_NAME, name),
            nested(NODE_OPERATOR, operator.encode()),
            *(nested(NODE_ATTRIBUTE, attribute) for attribute in attributes),
        )
    )


def integer_attribute(name: str, value: int) -> bytes:
    """Return an AttributeProto of one integer."""
    return (
        nested(ATTRIBUTE_NAME, name.encode())
        + integer(ATTRIBUTE_INTEGER, value)
        + integer(ATTRIBUTE_TYPE, _INTEGER)
    )


def string_attribute(name: str, value: str) -> bytes:
    """Return an AttributeProto of one string."""
    return (
        nested(ATTRIBUTE_NAME, name.encode())
        + nested(ATTRIBUTE_STRING, value.encode())
        + integer(ATTRIBUTE_TYPE, _STRING)
    )


def tensor_value(name: bytes, element: int, shape: memoryview | bytes | None) -> bytes:
    """Return a ValueInfoProto of a tensor.

    Args:
        name: of the value.
        element: type of its elements.
        shape: a TensorShapeProto; None: any rank.
    """
    kind = integer(ELEMENT, element) + (b"" if shape is None else nested(SHAPE, bytes(shape)))
    return nested(VALUE_NAME, name) + nested(VALUE_TYPE, nested(TENSOR, kind))


def table_shape(columns: int) -> bytes:
    """Return a TensorShapeProto of any number of rows."""
    return nested(DIMENSION, b"") + nested(DIMENSION, integer(SIZE, columns))
