"""ONNX graphs of ensembles of trees.

A graph has one `TreeEnsemble` (ai.onnx.ml 5), which compares and adds in the precision of its input and in
the order of the trees: if the framework does the same, answers are the same to the bit. The older
`TreeEnsembleRegressor`, which converters write, answers in FP32 whatever its input.
https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import AttributeProto, NodeProto, TensorProto, helper, numpy_helper

from bluegrid_server.frameworks.compiled import CHECK
from bluegrid_server.frameworks.finite import sum_of_magnitudes
from bluegrid_server.frameworks.trees import Tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.trees import Ensemble

_OPSETS = (helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5))
_IR_VERSION = 10
_AT_MOST, _LESS = 0, 1
"""ONNX: modes of a node."""
_SUM = 1
"""ONNX: aggregate function."""


def graph_of(ensemble: Ensemble) -> bytes:
    """Return an ONNX model from `x` (n, inputs), FP64, to `y` and, if `x` is scaled first, `CHECK`."""
    graph = _Graph()
    name = "x"
    if ensemble.mean is not None:
        name = graph.add("Sub", name, graph.constant(ensemble.mean))
    if ensemble.scale is not None:
        name = graph.add("Div", name, graph.constant(ensemble.scale))
    if ensemble.rounds or ensemble.precision is np.float32:
        name = graph.add("Cast", name, to=TensorProto.FLOAT)
    if ensemble.rounds:
        name = graph.add("Cast", name, to=TensorProto.DOUBLE)
    checked = [] if ensemble.mean is None and ensemble.scale is None else [name]
    name = graph.append(_node(ensemble), name)
    if ensemble.divisor != 1:
        name = graph.add("Div", name, graph.constant(np.array(ensemble.divisor, dtype=ensemble.precision)))
    if ensemble.link:
        name = graph.add(ensemble.link, name)
    if ensemble.labels is not None:
        name = graph.add("ArgMax", name, axis=1, keepdims=0)
        graph.add("Gather", graph.constant(ensemble.labels), name)
    elif ensemble.precision is not np.float64:
        graph.add("Cast", name, to=TensorProto.DOUBLE)
    return graph.model(ensemble.inputs, checked)


def _node(ensemble: Ensemble) -> NodeProto:
    trees = [_with_a_root(tree) for tree in ensemble.trees]
    nodes = np.array([len(tree.features) for tree in trees])
    leaves = np.array([len(tree.leaves) for tree in trees])
    first_node, first_leaf = np.cumsum(nodes) - nodes, np.cumsum(leaves) - leaves
    offsets = list(zip(trees, first_node, first_leaf, strict=True))
    left = [_children(tree.left, *offset) for tree, *offset in offsets]
    right = [_children(tree.right, *offset) for tree, *offset in offsets]
    targets = [np.full(len(tree.leaves), tree.output) for tree in trees]
    node = NodeProto(op_type="TreeEnsemble", domain="ai.onnx.ml")
    for name, parts in {
        "nodes_featureids": [tree.features for tree in trees],
        "nodes_truenodeids": left,
        "nodes_trueleafs": [tree.left < 0 for tree in trees],
        "nodes_falsenodeids": right,
        "nodes_falseleafs": [tree.right < 0 for tree in trees],
        "leaf_targetids": targets,
        "tree_roots": [first_node],
    }.items():
        # Not by helper.make_attribute, which checks each number: 10 times as slow.
        numbers = np.concatenate(parts).astype(np.int64).tolist()
        node.attribute.add(name=name, type=AttributeProto.INTS, ints=numbers)
    modes = np.full(nodes.sum(), _LESS if ensemble.is_strict else _AT_MOST, dtype=np.uint8)
    for name, array in {
        "nodes_modes": modes,
        "nodes_splits": np.concatenate([tree.splits for tree in trees]).astype(ensemble.precision),
        "leaf_weights": np.concatenate([tree.leaves for tree in trees]).astype(ensemble.precision),
    }.items():
        node.attribute.append(helper.make_attribute(name, numpy_helper.from_array(array)))
    node.attribute.append(helper.make_attribute("n_targets", ensemble.outputs))
    node.attribute.append(helper.make_attribute("aggregate_function", _SUM))
    return node


def _with_a_root(tree: Tree) -> Tree:
    """Return the same tree with at least one inner node, which ONNX requires."""
    if len(tree.features):
        return tree
    zero, leaf = np.zeros(1, dtype=np.int64), np.array([~0])
    return Tree(tree.output, zero, np.zeros(1), leaf, leaf, tree.leaves)


def _children(children: NDArray[Any], first_node: int, first_leaf: int) -> NDArray[Any]:
    return np.where(children < 0, ~children + first_leaf, children + first_node)


class _Graph:
    """Nodes in order, each with one output of a unique name."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        return self.append(helper.make_node(operator, [], [], **attributes), *inputs)

    def append(self, node: NodeProto, *inputs: str) -> str:
        node.input.extend(inputs)
        name = f"v{len(self._nodes)}"
        node.output.append(name)
        self._nodes.append(node)
        return name

    def constant(self, value: NDArray[Any]) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def model(self, inputs: int, checked: Sequence[str]) -> bytes:
        self._nodes[-1].output[:] = ["y"]
        x = helper.make_tensor_value_info("x", TensorProto.DOUBLE, [None, inputs])
        # Without a type, which is that of the last node.
        y = helper.make_empty_tensor_value_info("y")
        outputs = [y, *(helper.make_empty_tensor_value_info(CHECK) for _ in checked)]
        nodes = [*self._nodes, *(sum_of_magnitudes(checked) if checked else ())]
        graph = helper.make_graph(nodes, "ensemble", [x], outputs, self._constants)
        model = helper.make_model(graph, opset_imports=_OPSETS, ir_version=_IR_VERSION)
        return bytes(model.SerializeToString())
