"""Trees of a model joined in arrays, as readers get them from files: a table without a step for each tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.frameworks.compiled import NotCompiledError
from bluegrid_server.frameworks.tree_table import TreeTable, bounds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_LEAF = -1
"""Child of a leaf."""


@dataclass(frozen=True, slots=True)
class JoinedTrees:
    """Trees, one after the other; m inner nodes, l leaves and t trees in all.

    A place in the trees is a number: of an inner node, or if it is negative, n, of leaf ~n.

    Attributes:
        features: the feature that each inner node compares, (m,).
        splits: the value that each inner node compares with, (m,).
        left: the next place if the feature is below the split, (m,).
        right: the next place otherwise, (m,).
        leaves: numbers of the leaves, (l,).
        roots: the first place in each tree, (t,).
        leaf_counts: number of leaves of each tree, (t,), in the order of `leaves`.
    """

    features: NDArray[Any]
    splits: NDArray[Any]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    leaves: NDArray[Any]
    roots: NDArray[np.int64]
    leaf_counts: NDArray[np.int64]

    @classmethod
    def of_nodes(
        cls,
        sizes: NDArray[np.int64],
        features: NDArray[Any],
        splits: NDArray[Any],
        left: NDArray[Any],
        right: NDArray[Any],
        values: NDArray[Any],
    ) -> JoinedTrees:
        """Join trees whose nodes have one numbering in each tree, the root first.

        Args:
            sizes: number of nodes of each tree, (t,), all positive.
            features: the feature that each node compares, (n,).
            splits: the value that each node compares with, (n,).
            left: the child of each node if the feature is below the split, (n,); -1: the node is a leaf.
            right: the other child, (n,).
            values: the number of each node, (n,), of which those of leaves count.

        Raises:
            NotCompiledError: a node has one child, a child that does not come after it, or another parent.
        """
        first = np.cumsum(sizes) - sizes
        firsts = np.repeat(first, sizes)
        own = np.arange(len(firsts)) - firsts
        inner = left != _LEAF
        if not np.array_equal(inner, right != _LEAF):
            raise NotCompiledError("has a node with one child")
        nodes = np.flatnonzero(inner)
        children = np.concatenate((left[nodes], right[nodes]))
        parents = np.concatenate((nodes, nodes))
        # In the order in which trees are grown, which leaves no way back; a child of another tree is none.
        if (children <= own[parents]).any() or (children >= np.repeat(sizes, sizes)[parents]).any():
            raise NotCompiledError("has a node whose child is missing")
        children = children + firsts[parents]
        visits = np.bincount(children, minlength=len(firsts))
        visits[first] += 1
        if (visits != 1).any():
            raise NotCompiledError("has a node with two parents or none")
        leaves = np.flatnonzero(~inner)
        places = np.empty(len(firsts), np.int64)
        places[nodes] = np.arange(len(nodes))
        places[leaves] = ~np.arange(len(leaves))
        following = places[children]
        return cls(
            features[nodes],
            splits[nodes],
            following[: len(nodes)],
            following[len(nodes) :],
            values[leaves],
            places[first],
            np.add.reduceat(~inner, first, dtype=np.int64),
        )

    @classmethod
    def of_inner_nodes(
        cls,
        leaf_counts: NDArray[np.int64],
        features: NDArray[Any],
        splits: NDArray[Any],
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        leaves: NDArray[Any],
    ) -> JoinedTrees:
        """Join trees whose inner nodes and leaves have a numbering each, the root first.

        Args:
            leaf_counts: number of leaves of each tree, (t,), all positive: one more than inner nodes.
            features: the feature that each inner node compares, (m,).
            splits: the value that each inner node compares with, (m,).
            left: the next place in the tree if the feature is below the split, (m,).
            right: the next place otherwise, (m,).
            leaves: numbers of the leaves, (l,).

        Raises:
            NotCompiledError: arrays have other sizes, or a child is missing.
        """
        counts = leaf_counts - 1
        if not len(features) == len(splits) == len(left) == len(right) == counts.sum():
            raise NotCompiledError("has nodes without a split or a child")
        if len(leaves) != leaf_counts.sum():
            raise NotCompiledError("has another number of leaves")
        node, leaf = np.cumsum(counts) - counts, np.cumsum(leaf_counts) - leaf_counts
        sizes, nodes, ends = (np.repeat(each, counts) for each in (counts, node, leaf))
        for places in (left, right):
            if ((places >= sizes) | (places < -sizes - 1)).any():
                raise NotCompiledError("has a node whose child is missing")
        return cls(
            features,
            splits,
            np.where(left < 0, left - ends, left + nodes),
            np.where(right < 0, right - ends, right + nodes),
            leaves,
            np.where(counts > 0, node, ~leaf),
            leaf_counts,
        )

    def largest_sum(self, outputs: Sequence[int] | NDArray[np.int64]) -> float:
        """Return a magnitude that no sum exceeds; `outputs` is the output to which each tree adds, (t,)."""
        first = np.cumsum(self.leaf_counts) - self.leaf_counts
        largest = np.maximum.reduceat(np.abs(self.leaves), first)
        return float(np.bincount(outputs, largest).max())

    def table(
        self,
        inputs: int,
        outputs: Sequence[int] | NDArray[np.int64],
        *,
        single: bool = False,
        rounds: bool = False,
        is_strict: bool = False,
        mean: NDArray[Any] | None = None,
        scale: NDArray[Any] | None = None,
        divisor: float = 1.0,
        link: str = "",
    ) -> TreeTable:
        """Return the table, checked: the same as `TreeTable.of` makes of the same trees one by one.

        Args:
            inputs: number of features of a row.
            outputs: the output to which each tree adds, (t,); each output has as many trees.
            single: whether comparisons and sums are of FP32.
            rounds: whether inputs are rounded to FP32 before they are compared with splits of FP64.
            is_strict: whether an input that equals a split goes right.
            mean: subtracted from the inputs first, (inputs,).
            scale: then divides the inputs, (inputs,).
            divisor: of the sums.
            link: ONNX operator that turns the sums into the answer; empty: the sums are the answer.

        Raises:
            NotCompiledError: these are not trees, or an output has more of them than another.
        """
        counts = np.bincount(outputs)
        if (counts != counts[0]).any():
            raise NotCompiledError("has outputs with more trees than others")
        return TreeTable(
            inputs,
            len(counts),
            self.features.astype(np.int64),
            bounds_of(self.splits, in_fp32=single or rounds, is_strict=is_strict),
            self.left,
            self.right,
            self.leaves[::-1].astype(np.float64),
            self.roots[np.argsort(outputs, kind="stable")],
            single,
            mean,
            scale,
            divisor,
            link,
        ).checked()
