"""Ensembles of trees as tables, computed by NumPy alone, in the order and precision of their framework.

A checked table is data: whatever a file made of it, computing it ends, reads nothing outside of the table,
and needs memory in proportion to the rows. So any process may hold it.

A table compares in FP64 only: where a framework rounds a number to FP32 first, or sends one that equals a
split to the right, the table's bound is the largest FP64 number that the framework sends to the left.

One row is computed with all nodes at once, which takes fewer calls than a walk: each node's next node, then
from the roots as many steps as the deepest tree has levels. Many rows are walked level by level.

What a row reads and writes is kept small, because all that the server does between two rows shares a
processor's first cache with the tables: nodes are in the order of their features, so that the row's numbers
are repeated in place of an index for each node, and places are of 16 bits.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.frameworks.compiled import NotCompiledError
from bluegrid_server.frameworks.trees import MAX_INPUTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.trees import Ensemble

SMALL = 2**13
"""Maximum number of inner nodes of a table that answers in the time of a call of ONNX Runtime or little more.

With 1,137 nodes a row takes 6 us here and 4 us there, with 8,192 about 20 us and 6 us.
"""
MAX_DEPTH = 1000
"""Maximum number of levels of a tree; trainers stop far earlier."""

_MOST_LEAVES = 2 * SMALL
"""Maximum number of leaves of a small table, which has few more leaves than inner nodes."""
_AT_A_TIME = 2**18
"""Maximum number of places in trees that are walked together: 2 MiB for each array of them."""
_MAX_FP32 = float(np.finfo(np.float32).max)
_FP32, _FP64 = np.dtype(np.float32), np.dtype(np.float64)


@dataclass(frozen=True, slots=True)
class TreeTable:
    """Trees whose numbers are added up in order; m inner nodes, l leaves and t trees in all.

    A place in the trees is a number: of an inner node, or if it is negative, n, of leaf ~n.

    Attributes:
        inputs: number of features of a row.
        outputs: number of sums; each of t / outputs trees, and those of a sum follow one another.
        features: the feature that each inner node compares, (m,), uint16, in ascending order.
        bounds: the largest value with which each inner node sends a row to the left, (m,), FP64.
        left: the next place in that case, (m,), int16 in a small table, otherwise int64.
        right: the next place otherwise, (m,), as `left`.
        leaves: numbers of the leaves, (l,), FP64; the last leaf first, so that n is the index of leaf ~n.
        roots: the first place in each tree, (t,), int64.
        single: whether sums are of FP32.
        mean: subtracted from the inputs first, (inputs,); None: nothing is.
        scale: then divides the inputs, (inputs,); None: nothing does.
        divisor: of the sums.
        link: ONNX operator that turns the sums into the answer; empty: the sums are the answer.
        labels: answers of a classifier, by the output with the largest sum; None: not a classifier.
        depth: most inner nodes from a root to a leaf; 0 until the table is checked.
        counts: number of nodes that compare each feature, (inputs,), if one row is computed with all nodes at
            once; None: the table is large, or not checked yet.
    """

    inputs: int
    outputs: int
    features: NDArray[np.integer[Any]]
    bounds: NDArray[np.float64]
    left: NDArray[np.signedinteger[Any]]
    right: NDArray[np.signedinteger[Any]]
    leaves: NDArray[np.float64]
    roots: NDArray[np.int64]
    single: bool = False
    mean: NDArray[np.float64] | None = None
    scale: NDArray[np.float64] | None = None
    divisor: float = 1.0
    link: str = ""
    labels: NDArray[Any] | None = None
    depth: int = 0
    counts: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, ensemble: Ensemble) -> TreeTable:
        """Return the table of an ensemble, checked.

        Raises:
            NotCompiledError: these are not trees; the message continues after the model's name.
        """
        # The least that a sum can have is a tree of its own, whatever a file says of their number.
        if not 1 <= ensemble.outputs <= len(ensemble.trees):
            raise NotCompiledError(f"has {len(ensemble.trees)} trees for {ensemble.outputs} outputs")
        by_output: list[list[int]] = [[] for _ in range(ensemble.outputs)]
        for number, tree in enumerate(ensemble.trees):
            if not 0 <= tree.output < ensemble.outputs:
                raise NotCompiledError(f"has a tree for output {tree.output} of {ensemble.outputs}")
            by_output[tree.output].append(number)
        nodes = np.array([len(tree.features) for tree in ensemble.trees])
        leaves = np.array([len(tree.leaves) for tree in ensemble.trees])
        first_node, first_leaf = np.cumsum(nodes) - nodes, np.cumsum(leaves) - leaves

        def places(side: str) -> NDArray[Any]:
            parts = [
                np.where((own := getattr(tree, side)) < 0, own - leaf, own + node)
                for tree, node, leaf in zip(ensemble.trees, first_node, first_leaf, strict=True)
            ]
            return np.concatenate(parts)

        roots = np.where(nodes > 0, first_node, ~first_leaf)
        # Sums of fewer trees get more, which are one leaf that adds 0: then all sums are one table.
        zero, longest = ~int(leaves.sum()), max(map(len, by_output))
        rows = [[*roots[trees].tolist(), *[zero] * (longest - len(trees))] for trees in by_output]
        more = [[0.0]] if min(map(len, by_output)) < longest else []
        numbers = np.concatenate([*(tree.leaves for tree in ensemble.trees), *more]).astype(np.float64)
        labels = ensemble.labels
        return cls(
            ensemble.inputs,
            ensemble.outputs,
            np.concatenate([tree.features for tree in ensemble.trees]).astype(np.int64),
            bounds_of(
                np.concatenate([tree.splits for tree in ensemble.trees]),
                in_fp32=ensemble.rounds or ensemble.precision is np.float32,
                is_strict=ensemble.is_strict,
            ),
            places("left").astype(np.int64),
            places("right").astype(np.int64),
            numbers[::-1].copy(),
            np.array(rows, np.int64).reshape(-1),
            ensemble.precision is np.float32,
            ensemble.mean,
            ensemble.scale,
            ensemble.divisor,
            ensemble.link,
            labels if labels is None or labels.dtype.kind not in "SU" else labels.astype(object),
        ).checked()

    def checked(self) -> TreeTable:
        """Return the table in the order of its features, and with its depth.

        Raises:
            NotCompiledError: the table is not one of trees.
        """
        depth = _depth_of(self)
        features, bounds, left, right, roots = self.features, self.bounds, self.left, self.right, self.roots
        if (features[1:] < features[:-1]).any():
            order = np.argsort(features, kind="stable")
            numbers = np.empty_like(order)
            numbers[order] = np.arange(len(order))
            features, bounds = features[order], bounds[order]
            left, right, roots = (
                np.where(places < 0, places, numbers.take(places, mode="clip"))
                for places in (left[order], right[order], roots)
            )
        counts = None
        if self.is_small:
            left, right = left.astype(np.int16, copy=False), right.astype(np.int16, copy=False)
            # Of more features, a row has few that nodes compare.
            if self.inputs <= SMALL:
                counts = np.bincount(features, minlength=self.inputs)
        return replace(
            self,
            features=features.astype(np.uint16, copy=False),
            bounds=bounds,
            left=left,
            right=right,
            roots=roots,
            depth=depth,
            counts=counts,
        )

    def compute(self, x: NDArray[Any]) -> NDArray[Any] | None:
        """Return the answers to rows (n, inputs), n >= 1: (n,) or (n, outputs).

        None: the framework has to judge the rows, because a number is not finite or beyond FP32, also
        between the steps of a pipeline.
        """
        if not _is_within_fp32(x):
            return None
        if self.mean is not None or self.scale is not None:
            with np.errstate(all="ignore"):
                x = x if self.mean is None else x - self.mean
                x = x if self.scale is None else x / self.scale
            if not _is_within_fp32(x):
                return None
        if len(x) == 1 and self.counts is not None:
            values = self.leaves[self._places_of_row(x[0], self.counts)]
        else:
            values = self.leaves[self._places_of_rows(x)]
        if self.single:
            values = values.astype(_FP32)
        # In the order of the trees, which np.sum would change.
        if len(x) == self.outputs == 1 and not self.link and self.labels is None:
            return np.array([np.add.accumulate(values)[-1] / self.divisor], _FP64)
        return self._answers(np.add.accumulate(values.reshape(len(x), self.outputs, -1), axis=2)[:, :, -1])

    @property
    def is_small(self) -> bool:
        """Whether one row takes about as long as a call of ONNX Runtime."""
        return len(self.features) <= SMALL and len(self.leaves) <= _MOST_LEAVES

    def _places_of_row(self, row: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the leaf that one row reaches in each tree."""
        following = _SCRATCH.following
        following[: len(self.bounds)] = np.where(row.repeat(counts) <= self.bounds, self.left, self.right)
        places = self.roots
        for _ in range(self.depth):
            places = following[places]
        return places

    def _places_of_rows(self, x: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the leaf that each row reaches in each tree, (n * t,)."""
        step = max(1, _AT_A_TIME // len(self.roots))
        return np.concatenate([self._walk(x[begin : begin + step]) for begin in range(0, len(x), step)])

    def _walk(self, x: NDArray[np.float64]) -> NDArray[np.int64]:
        values, trees = x.reshape(-1), len(self.roots)
        places = np.tile(self.roots, len(x))
        first = np.repeat(np.arange(0, values.size, self.inputs), trees)
        walking = np.flatnonzero(places >= 0)
        while walking.size:
            nodes = places[walking]
            goes_left = values[first[walking] + self.features[nodes]] <= self.bounds[nodes]
            following = np.where(goes_left, self.left[nodes], self.right[nodes])
            places[walking] = following
            walking = walking[following >= 0]
        return places

    def _answers(self, sums: NDArray[Any]) -> NDArray[Any]:
        if self.divisor != 1:
            sums = sums / self.divisor
        if self.link:
            with np.errstate(all="ignore"):
                sums = _LINKS[self.link](sums)
        if self.labels is not None:
            labels: NDArray[Any] = self.labels.take(sums.argmax(axis=1))
            return labels
        return sums.astype(_FP64, copy=False)


class _Scratch(threading.local):
    """Memory of a thread for the next place of each place in a small table.

    Those of the inner nodes are written for each row. A leaf's next place is the leaf: a number from the end,
    as Python's indices may be, so that it is the same in all tables.
    """

    def __init__(self) -> None:
        self.following = np.concatenate((np.zeros(SMALL, np.int64), np.arange(-_MOST_LEAVES, 0)))


_SCRATCH = _Scratch()


def bounds_of(splits: NDArray[Any], *, in_fp32: bool, is_strict: bool) -> NDArray[np.float64]:
    """Return the largest FP64 number that each split sends to the left.

    Args:
        splits: values that nodes compare with, (m,).
        in_fp32: whether the framework rounds a number to FP32 before it compares.
        is_strict: whether a number that equals the split goes right.
    """
    splits = splits.astype(np.float64)
    if not in_fp32:
        return np.nextafter(splits, -np.inf) if is_strict else splits
    with np.errstate(all="ignore"):
        # First the largest FP32 number that goes left, then the largest FP64 number that is rounded to it.
        low = splits.astype(np.float32)
        is_right = low >= splits if is_strict else low > splits
        low = np.where(is_right, np.nextafter(low, np.float32(-np.inf)), low)
        high = np.nextafter(low, np.float32(np.inf))
        middle = (low.astype(np.float64) + high) / 2
    # The middle is rounded to the neighbour whose last bit is 0.
    is_even = (low.view(np.uint32) & 1) == 0
    return np.where(is_even, middle, np.nextafter(middle, -np.inf))


def _is_within_fp32(x: NDArray[Any]) -> bool:
    """Return whether FP32 holds all numbers; NaN is not within anything."""
    if len(x) == 1:
        # No number is larger than the root of the sum of the squares: a third of the time, and no warnings.
        return math.hypot(*x[0].tolist()) <= _MAX_FP32 or bool(np.abs(x).max() <= _MAX_FP32)
    return bool(np.maximum.reduce(np.abs(x), axis=None) <= _MAX_FP32)


def _depth_of(table: TreeTable) -> int:
    """Return the number of levels; raise NotCompiledError if the table is not one of trees."""
    nodes, leaves = len(table.features), len(table.leaves)
    if not len(table.bounds) == len(table.left) == len(table.right) == nodes:
        raise NotCompiledError("has nodes without a split or a child")
    if not 1 <= table.inputs <= MAX_INPUTS:
        raise NotCompiledError(f"takes {table.inputs} features")
    if not len(table.roots) or table.outputs < 1 or len(table.roots) % table.outputs:
        raise NotCompiledError(f"has {len(table.roots)} trees for {table.outputs} outputs")
    if table.link not in ("", *_LINKS):
        raise NotCompiledError(f"ends in {table.link}")
    if table.labels is not None and len(table.labels) != table.outputs:
        raise NotCompiledError(f"has {len(table.labels)} labels for {table.outputs} outputs")
    if any(each is not None and each.shape != (table.inputs,) for each in (table.mean, table.scale)):
        raise NotCompiledError("scales another number of features")
    if nodes and not 0 <= table.features.min() <= table.features.max() < table.inputs:
        raise NotCompiledError("compares a feature that it does not have")
    for places in (table.left, table.right, table.roots):
        if places.size and not -leaves <= places.min() <= places.max() < nodes:
            raise NotCompiledError("has a node whose child is missing")
    if np.isnan(table.bounds).any():
        raise NotCompiledError("splits at NaN")
    depth, visited, level = 0, 0, table.roots[table.roots >= 0]
    while level.size:
        depth, visited = depth + 1, visited + level.size
        if visited > nodes:
            raise NotCompiledError("has a node with two parents")
        if depth > MAX_DEPTH:
            raise NotCompiledError(f"has a tree of more than {MAX_DEPTH} levels")
        level = np.concatenate((table.left.take(level), table.right.take(level)))
        level = level[level >= 0]
    return depth


def _sigmoid(sums: NDArray[Any]) -> NDArray[Any]:
    one = sums.dtype.type(1)
    answer: NDArray[Any] = one / (one + np.exp(-sums))
    return answer


def _softmax(sums: NDArray[Any]) -> NDArray[Any]:
    powers = np.exp(sums - sums.max(axis=1, keepdims=True))
    answer: NDArray[Any] = powers / powers.sum(axis=1, keepdims=True)
    return answer


_LINKS: Mapping[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "Sigmoid": _sigmoid,
    "Exp": np.exp,
    "Softmax": _softmax,
}
