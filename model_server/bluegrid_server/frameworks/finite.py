"""Graphs that report whether all computed values are finite.

Between two steps, a framework refuses values that are not finite. A graph goes on, and could return a number
or a label that looks valid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import AttributeProto, TensorProto, helper, shape_inference

from bluegrid_server.frameworks.compiled import CHECK, NotCompiledError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnx import ModelProto, NodeProto

_FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE)


def sum_of_magnitudes(tensors: Sequence[str]) -> list[NodeProto]:
    """Return nodes that compute `CHECK`: a number, finite only if all values of the tensors are finite."""
    nodes, sums = [], []
    for tensor in tensors:
        nodes += [
            helper.make_node("ReduceL1", [tensor], [f"{tensor}/sum"], keepdims=0),
            helper.make_node("Cast", [f"{tensor}/sum"], [f"{tensor}/check"], to=TensorProto.DOUBLE),
        ]
        sums.append(f"{tensor}/check")
    return [*nodes, helper.make_node("Sum", sums, [CHECK])]


def watched(model: ModelProto) -> ModelProto:
    """Return a graph with `CHECK` as another output, for every floating-point tensor that it computes.

    Raises:
        NotCompiledError: the graph has loops or branches, or computes a tensor of unknown type.
    """
    if any(attribute.type in _GRAPHS for node in model.graph.node for attribute in node.attribute):
        raise NotCompiledError("has loops or branches")
    inferred = shape_inference.infer_shapes(model).graph
    values = [*inferred.value_info, *inferred.output]
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    computed = [name for node in model.graph.node for name in node.output]
    if unknown := [name for name in computed if not types.get(name)]:
        raise NotCompiledError(f"computes {unknown[0]}, whose type is unknown")
    model.graph.node.extend(sum_of_magnitudes([name for name in computed if types[name] in _FLOATS]))
    model.graph.output.append(helper.make_tensor_value_info(CHECK, TensorProto.DOUBLE, []))
    return model


_GRAPHS = (AttributeProto.GRAPH, AttributeProto.GRAPHS)
