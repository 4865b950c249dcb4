"""Ensembles of decision trees of any framework, compiled to ONNX graphs.

The graph has one `TreeEnsemble` (ai.onnx.ml 5), which compares and adds in the precision of its input and in
the order of the trees: if the framework does the same, answers are the same to the bit. The older
`TreeEnsembleRegressor`, which converters write, answers in FP32 whatever its input.
https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import AttributeProto, NodeProto, TensorProto, helper, numpy_helper

from bluegrid_server.frameworks.compiled import CHECK
from bluegrid_server.frameworks.finite import sum_of_magnitudes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_OPSETS = (helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5))
_IR_VERSION = 10
_AT_MOST, _LESS = 0, 1
"""ONNX: modes of a node."""
_SUM = 1
"""ONNX: aggregate function."""
_ROWS = 64
"""Rows of a comparison."""
_FAR = 8
"""Rows of a comparison that are far outside."""


@dataclass(frozen=True)
class Tree:
    """A tree with m inner nodes, the root first, and one number for one output in each leaf.

    Attributes:
        output: the output to which the tree adds.
        features: the feature that each inner node compares, (m,).
        splits: the value that each inner node compares with, (m,).
        left: the next node if the feature is below the split, (m,); a negative number n is leaf ~n.
        right: the next node otherwise, (m,).
        leaves: numbers of the leaves; one number if m is 0.
    """

    output: int
    features: NDArray[Any]
    splits: NDArray[Any]
    left: NDArray[Any]
    right: NDArray[Any]
    leaves: NDArray[Any]

    @classmethod
    def constant(cls, output: int, value: Any) -> Tree:
        """Return a tree that is one leaf."""
        nodes = np.zeros(0, dtype=np.int64)
        return cls(output, nodes, np.zeros(0), nodes, nodes, np.array([value]))

    @classmethod
    def of_children(
        cls, output: int, features: Any, splits: Any, left: Any, right: Any, values: NDArray[Any]
    ) -> Tree:
        """Return a tree from nodes with one numbering; nodes whose children are -1 are leaves."""
        left, right = np.asarray(left), np.asarray(right)
        inner = left >= 0
        number = np.where(inner, np.cumsum(inner) - 1, ~(np.cumsum(~inner) - 1))
        return cls(
            output,
            np.asarray(features)[inner],
            np.asarray(splits)[inner],
            number[left[inner]],
            number[right[inner]],
            values[~inner],
        )

    @property
    def with_a_root(self) -> Tree:
        """The same tree with at least one inner node, which ONNX requires."""
        if len(self.features):
            return self
        zero, leaf = np.zeros(1, dtype=np.int64), np.array([~0])
        return Tree(self.output, zero, np.zeros(1), leaf, leaf, self.leaves)


@dataclass(frozen=True)
class Ensemble:
    """Trees whose numbers are added up in order.

    Attributes:
        inputs: number of features of a row.
        outputs: number of sums.
        trees: in order.
        precision: of comparisons and sums.
        rounds: whether inputs are rounded to FP32 before they are compared with splits of FP64.
        is_strict: whether an input that equals a split goes right.
        mean: subtracted from the inputs first, (inputs,).
        scale: then divides the inputs, (inputs,).
        divisor: of the sums.
        link: ONNX operator that turns the sums into the answer; empty: the sums are the answer.
        labels: answers of a classifier, by the output with the largest sum; None: not a classifier.
    """

    inputs: int
    outputs: int
    trees: Sequence[Tree]
    precision: type[np.floating[Any]] = np.float64
    rounds: bool = False
    is_strict: bool = False
    mean: NDArray[Any] | None = None
    scale: NDArray[Any] | None = None
    divisor: float = 1.0
    link: str = ""
    labels: NDArray[Any] | None = None

    def graph(self) -> bytes:
        """Return an ONNX model from `x` (n, inputs), FP64, to `y` and, if `x` is scaled first, `CHECK`."""
        graph = _Graph()
        name = "x"
        if self.mean is not None:
            name = graph.add("Sub", name, graph.constant(self.mean))
        if self.scale is not None:
            name = graph.add("Div", name, graph.constant(self.scale))
        if self.rounds or self.precision is np.float32:
            name = graph.add("Cast", name, to=TensorProto.FLOAT)
        if self.rounds:
            name = graph.add("Cast", name, to=TensorProto.DOUBLE)
        checked = [] if self.mean is None and self.scale is None else [name]
        name = graph.append(self._node(), name)
        if self.divisor != 1:
            name = graph.add("Div", name, graph.constant(np.array(self.divisor, dtype=self.precision)))
        if self.link:
            name = graph.add(self.link, name)
        if self.labels is not None:
            name = graph.add("ArgMax", name, axis=1, keepdims=0)
            graph.add("Gather", graph.constant(self.labels), name)
        elif self.precision is not np.float64:
            graph.add("Cast", name, to=TensorProto.DOUBLE)
        return graph.model(self.inputs, checked)

    def rows(self) -> NDArray[Any]:
        """Return rows that reveal small errors of a compilation: at splits, beside them, far outside."""
        random = np.random.default_rng(0)
        rows = random.normal(size=(_ROWS, self.inputs))
        features = np.concatenate([tree.features for tree in self.trees])
        splits = np.concatenate([tree.splits for tree in self.trees]).astype(np.float64)
        for feature in np.unique(features):
            rows[:, feature] = random.choice(splits[features == feature], size=_ROWS)
        beside = random.integers(5, size=rows.shape)
        rows = np.select(
            [beside == 0, beside == 1, beside == 2, beside == 3],
            [
                rows,
                np.nextafter(rows, np.inf),
                np.nextafter(rows, -np.inf),
                rows.astype(np.float32).astype(np.float64),
            ],
            rows * (1 + random.normal(scale=0.1, size=rows.shape)),
        )
        rows[-_FAR:] *= 1e6
        if self.scale is not None:
            rows = rows * self.scale
        return rows if self.mean is None else rows + self.mean

    def _node(self) -> NodeProto:
        trees = [tree.with_a_root for tree in self.trees]
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
        modes = np.full(nodes.sum(), _LESS if self.is_strict else _AT_MOST, dtype=np.uint8)
        for name, array in {
            "nodes_modes": modes,
            "nodes_splits": np.concatenate([tree.splits for tree in trees]).astype(self.precision),
            "leaf_weights": np.concatenate([tree.leaves for tree in trees]).astype(self.precision),
        }.items():
            node.attribute.append(helper.make_attribute(name, numpy_helper.from_array(array)))
        node.attribute.append(helper.make_attribute("n_targets", self.outputs))
        node.attribute.append(helper.make_attribute("aggregate_function", _SUM))
        return node


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
