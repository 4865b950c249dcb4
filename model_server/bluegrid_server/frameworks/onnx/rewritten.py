"""Rewrites ONNX graphs that take, give or need what a pod does not have, where another graph says the same.

- Converters of classifiers end a graph with ZipMap, which turns a tensor of probabilities into a list of
  maps from class to probability. Identity in its place gives the tensor; the node has the classes.
- A graph that begins with DictVectorizer takes a map from feature to number. Identity in its place takes a
  tensor; the node has the features.
- StringNormalizer, with which skl2onnx begins pipelines of texts, needs a locale: en_US by default, which
  images lack. C.UTF-8, which they have, changes the case of letters in the same way.
- The protocol has no BF16. A Cast from FP32 behind such an input, and to FP32 behind such an output, which is
  exact, let clients send and get FP32.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bluegrid_registry.model_types.protobuf import encoded, fields, integer, nested
from bluegrid_server.frameworks.onnx import graph as onnx
from bluegrid_server.frameworks.onnx.graph import Node, inside, one_of, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Keys = tuple[str | int, ...]
"""Keys of maps, in the order of a tensor's columns."""

_IDENTITY_OPSET = 13
"""Opset for models that import no operators of ONNX's own domain; every ONNX Runtime has it."""


@dataclass(frozen=True)
class Rewritten:
    """A model, whose inputs and outputs may have other names in its graph.

    Attributes:
        model: a ModelProto.
        keys: by input that was a map, or output that was a list of maps: the key of each column; empty if the
            node names none.
        names: by input or output, its name in the graph, if that differs.
    """

    model: bytes
    keys: Mapping[str, Keys] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


def rewritten(model: bytes) -> Rewritten:
    """Return a model without maps and without BF16 at its inputs and outputs, in a locale of the images.

    Raises:
        FormatError: the model is not a sound protobuf message.
    """
    message = memoryview(model)
    graph = one_of(message, onnx.GRAPH)
    if graph is None:
        return Rewritten(model)
    keys = _keys(message, graph) if b"ZipMap" in model or b"DictVectorizer" in model else {}
    if keys:
        model = _without_maps(message, keys)
        message = memoryview(model)
        graph = next(inside(message, onnx.GRAPH))
    if b"StringNormalizer" in model and sys.platform == "linux":
        model = _in_a_locale_of_images(message)
        message = memoryview(model)
        graph = next(inside(message, onnx.GRAPH))
    names = _names_in_bfloat16(graph)
    if names:
        model = b"".join(
            nested(each.number, _with_casts(each.content, names))
            if each.number == onnx.GRAPH
            else encoded(each)
            for each in fields(message)
        )
    return Rewritten(
        model,
        {name.decode(): labels for name, labels in keys.items()},
        {name.decode(): inner.decode() for name, inner in names.items()},
    )


def _keys(model: memoryview, graph: memoryview) -> dict[bytes, Keys]:
    """Return the keys of each input and output of the graph that consists of maps."""
    functions = {
        (text(each, onnx.FUNCTION_DOMAIN), text(each, onnx.FUNCTION_NAME)): each
        for each in inside(model, onnx.FUNCTION)
    }
    found = _keys_in(inside(graph, onnx.GRAPH_NODE), functions)
    values = [*inside(graph, onnx.INPUT), *inside(graph, onnx.OUTPUT)]
    names = [text(each, onnx.VALUE_NAME) for each in values]
    return {name: found[name] for name in names if name in found}


def _keys_in(
    nodes: Iterable[memoryview], functions: Mapping[tuple[bytes, bytes], memoryview]
) -> dict[bytes, Keys]:
    found: dict[bytes, Keys] = {}
    for node in map(Node.read, nodes):
        if node.makes_maps:
            found[node.outputs[0]] = node.keys()
        elif node.takes_maps:
            found[node.inputs[0]] = node.keys()
        elif function := functions.get((node.domain, node.operator)):
            within = _keys_in(inside(function, onnx.FUNCTION_NODE), functions)
            inner = [bytes(each) for each in inside(function, onnx.FUNCTION_OUTPUT)]
            # Trailing outputs may be left out.
            found |= {
                outer: within[name]
                for outer, name in zip(node.outputs, inner, strict=False)
                if name in within
            }
    return found


def _without_maps(model: memoryview, keys: Mapping[bytes, Keys]) -> bytes:
    """Return a model with Identity in place of each node that makes or takes maps."""
    parts, imports = [], []
    for each in fields(model):
        if each.number == onnx.GRAPH:
            parts.append(nested(onnx.GRAPH, _graph(each.content, keys)))
        elif each.number == onnx.FUNCTION:
            parts.append(nested(onnx.FUNCTION, _function(each.content)))
        else:
            parts.append(encoded(each))
        if each.number == onnx.OPSET_IMPORT:
            imports.append(each.content)
    return b"".join(parts) + _identity_import(onnx.OPSET_IMPORT, imports)


def _graph(graph: memoryview, keys: Mapping[bytes, Keys]) -> bytes:
    parts = []
    for each in fields(graph):
        if each.number == onnx.GRAPH_NODE:
            parts.append(nested(each.number, _node(each.content)))
        elif each.number in (onnx.INPUT, onnx.OUTPUT) and text(each.content, onnx.VALUE_NAME) in keys:
            parts.append(nested(each.number, _tensor(each.content, keys)))
        elif each.number != onnx.VALUE_INFO:
            # ONNX Runtime infers the types of the values between nodes.
            parts.append(encoded(each))
    return b"".join(parts)


def _function(function: memoryview) -> bytes:
    parts, imports = [], []
    for each in fields(function):
        is_node = each.number == onnx.FUNCTION_NODE
        parts.append(nested(each.number, _node(each.content)) if is_node else encoded(each))
        if each.number == onnx.FUNCTION_OPSET:
            imports.append(each.content)
    return b"".join(parts) + _identity_import(onnx.FUNCTION_OPSET, imports)


def _identity_import(number: int, imports: Iterable[memoryview]) -> bytes:
    """Return an import of ONNX's own operators; empty if there is one."""
    if any(text(each, onnx.OPSET_DOMAIN) in onnx.STANDARD for each in imports):
        return b""
    return nested(number, integer(onnx.OPSET_VERSION, _IDENTITY_OPSET))


def _node(node: memoryview) -> bytes:
    read = Node.read(node)
    if not (read.makes_maps or read.takes_maps):
        return bytes(node)
    return onnx.node("Identity", read.inputs[0], read.outputs[0], name=text(node, onnx.NODE_NAME))


def _tensor(value: memoryview, keys: Mapping[bytes, Keys]) -> bytes:
    """Return a value of maps as a value of a tensor; that of an output gets its shape from its node."""
    name = text(value, onnx.VALUE_NAME)
    element = one_of(value, onnx.VALUE_TYPE, onnx.MAP, onnx.MAP_VALUE)
    if element is None:
        return onnx.tensor_value(name, onnx.FLOAT, None)
    return onnx.tensor_value(name, onnx.element_of_type(element), onnx.table_shape(len(keys[name])))


_NODES = {onnx.GRAPH: onnx.GRAPH_NODE, onnx.FUNCTION: onnx.FUNCTION_NODE}
"""By field of a model: the field with its nodes."""


def _in_a_locale_of_images(model: memoryview) -> bytes:
    return b"".join(
        nested(each.number, _nodes_in_a_locale_of_images(each.content, _NODES[each.number]))
        if each.number in _NODES
        else encoded(each)
        for each in fields(model)
    )


def _nodes_in_a_locale_of_images(graph: memoryview, number: int) -> bytes:
    return b"".join(
        nested(number, _with_locale(each.content))
        if each.number == number and Node.read(each.content).changes_case
        else encoded(each)
        for each in fields(graph)
    )


def _with_locale(node: memoryview) -> bytes:
    """Return a node with C.UTF-8 in place of the English of the United States; others stay."""
    parts, locale = [], b"en_US"
    for each in fields(node):
        is_locale = (
            each.number == onnx.NODE_ATTRIBUTE and text(each.content, onnx.ATTRIBUTE_NAME) == b"locale"
        )
        if is_locale:
            locale = text(each.content, onnx.ATTRIBUTE_STRING)
        else:
            parts.append(encoded(each))
    if locale.partition(b".")[0] in _ENGLISH:
        locale = b"C.UTF-8"
    return b"".join((*parts, nested(onnx.NODE_ATTRIBUTE, onnx.string_attribute("locale", locale.decode()))))


_ENGLISH = (b"en_US", b"")
"""The default of the operator, and what some exporters write for it."""


def _names_in_bfloat16(graph: memoryview) -> dict[bytes, bytes]:
    """Return another name for each input and output of BF16."""
    names = [
        text(value, onnx.VALUE_NAME)
        for number in (onnx.INPUT, onnx.OUTPUT)
        for value in inside(graph, number)
        if onnx.element_of(value) == onnx.BFLOAT16
    ]
    if not names:
        return {}
    # Older writers list constants among the inputs.
    constants = {text(each, onnx.INITIALIZER_NAME) for each in inside(graph, onnx.INITIALIZER)}
    return {name: name + b" as FP32" for name in names if name not in constants}


def _with_casts(graph: memoryview, names: Mapping[bytes, bytes]) -> bytes:
    first, rest, last = [], [], []
    for each in fields(graph):
        name = text(each.content, onnx.VALUE_NAME) if each.number in (onnx.INPUT, onnx.OUTPUT) else b""
        if name not in names:
            rest.append(encoded(each))
            continue
        shape = one_of(each.content, onnx.VALUE_TYPE, onnx.TENSOR, onnx.SHAPE)
        rest.append(nested(each.number, onnx.tensor_value(names[name], onnx.FLOAT, shape)))
        if each.number == onnx.INPUT:
            first.append(_cast(names[name], name, onnx.BFLOAT16))
        else:
            last.append(_cast(name, names[name], onnx.FLOAT))
    return b"".join((*first, *rest, *last))


def _cast(given: bytes, taken: bytes, element: int) -> bytes:
    to = onnx.integer_attribute("to", element)
    return nested(onnx.GRAPH_NODE, onnx.node("Cast", given, taken, [to]))
