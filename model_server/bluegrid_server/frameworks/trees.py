"""Ensembles of decision trees of any framework, as data: what a compiler makes of a model.

tree_table.py    computes an ensemble by NumPy, without a framework
joined_trees.py  makes the table of trees as files have them
tree_graph.py    the ONNX graph of an ensemble, for ONNX Runtime
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.frameworks.compiled import NotCompiledError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_INPUTS = 2**16
"""Maximum number of features: as many numbers are made for each row of a comparison."""

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

    @property
    def nodes(self) -> int:
        """Number of inner nodes of all trees."""
        return sum(len(tree.features) for tree in self.trees)

    def rows(self) -> NDArray[Any]:
        """Return rows that reveal small errors of a compilation: at splits, beside them, far outside."""
        if self.inputs > MAX_INPUTS:
            raise NotCompiledError(f"takes {self.inputs} features")
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
