"""Described trees and forests that predict numbers: the same table as a compiler makes of their estimators.

Each class is known with all of its attributes, as in `linear.py`. What only the framework can answer, rows
with missing values, stays with the framework.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.frameworks.joined_trees import JoinedTrees
from bluegrid_server.frameworks.not_data import check
from bluegrid_server.frameworks.scikit_learn.data.described import TREE, Array, Described
from bluegrid_server.frameworks.scikit_learn.data.npy import TREE_NODES
from bluegrid_server.frameworks.scikit_learn.data.pipeline import (
    INPUT,
    check_attributes,
    columns_of,
    releases_of,
    scaling_of,
    steps_of_root,
)
from bluegrid_server.frameworks.tree_model import TreeModel
from bluegrid_server.frameworks.tree_table import SMALL
from bluegrid_server.protocol.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_ONE = "sklearn.tree._classes.DecisionTreeRegressor"
_ONE_AT_RANDOM = "sklearn.tree._classes.ExtraTreeRegressor"
_FORESTS = {
    "sklearn.ensemble._forest.RandomForestRegressor": _ONE,
    "sklearn.ensemble._forest.ExtraTreesRegressor": _ONE_AT_RANDOM,
}
"""Forests by class, and the class of their trees."""
_IDLE = {
    "criterion",
    "splitter",
    "max_depth",
    "min_samples_split",
    "min_samples_leaf",
    "min_weight_fraction_leaf",
    "max_features",
    "max_features_",
    "max_leaf_nodes",
    "random_state",
    "min_impurity_decrease",
    "class_weight",
    "ccp_alpha",
    "monotonic_cst",
}
_IDLE_OF_FOREST = (_IDLE - {"splitter", "max_features_"}) | {
    "n_estimators",
    "estimator_params",
    "bootstrap",
    "oob_score",
    "oob_score_",
    "oob_prediction_",
    "n_jobs",
    "verbose",
    "warm_start",
    "max_samples",
    "_n_samples",
    "_n_samples_bootstrap",
    "_sample_weight",
}
"""Attributes that matter in the training only."""
CLASSES = {*_FORESTS, *_FORESTS.values(), TREE}
"""Classes that are read."""
_MAX_TREES = 10_000
_MOST = 1e15
"""Maximum magnitude of splits, means and scales: the rows that a compiler makes of them stay within FP32, so
that a preflight can compare the answers."""


def is_of_trees(root: Any) -> bool:
    """Return whether a described estimator is a tree or a forest, or a pipeline that ends in one."""
    kind = steps_of_root(root)[1].kind
    return kind in _FORESTS or kind in _FORESTS.values()


@dataclass(frozen=True, slots=True)
class TreesRecipe:
    """Where the trees of a model are in a file.

    Attributes:
        features: number of features.
        columns: their names; empty if the model was trained without names.
        mean: number of an array, None if there is none.
        scale: as `mean`.
        nodes: numbers of the arrays, by tree.
        values: as `nodes`.
        sizes: number of nodes, by tree.
        releases: of scikit-learn that wrote the file.
    """

    features: int
    columns: tuple[str, ...]
    mean: int | None
    scale: int | None
    nodes: tuple[int, ...]
    values: tuple[int, ...]
    sizes: tuple[int, ...]
    releases: frozenset[str]

    def model(self, arrays: Sequence[NDArray[Any]]) -> TreeModel:
        """Return the model; raise NotDataError or NotCompiledError if its arrays are not as they must be."""
        # Before arrays are copied: a file may name one array thousands of times.
        check(sum(size // 2 for size in self.sizes) <= SMALL, "more nodes than a table answers for")
        sizes = np.array(self.sizes)
        nodes = [arrays[number] for number in self.nodes]
        values = [arrays[number] for number in self.values]
        for each, numbers, size in zip(nodes, values, self.sizes, strict=True):
            check(each.dtype == TREE_NODES and each.shape == (size,), "other nodes")
            check(numbers.dtype == np.float64 and numbers.shape == (size, 1, 1), "other values")
        # Joined as bytes: NumPy would join field by field.
        joined = np.frombuffer(b"".join(each.tobytes() for each in nodes), TREE_NODES)
        answers = np.frombuffer(b"".join(each.tobytes() for each in values))
        trees = JoinedTrees.of_nodes(
            sizes,
            joined["feature"],
            joined["threshold"],
            joined["left_child"],
            joined["right_child"],
            answers,
        )
        check((np.abs(trees.splits) <= _MOST).all() and np.isfinite(answers).all(), "a very large number")
        table = trees.table(
            self.features,
            np.zeros(len(sizes), np.int64),
            rounds=True,
            mean=self._row(arrays, self.mean),
            scale=self._row(arrays, self.scale),
            divisor=float(len(sizes)),
        )
        check(table.is_small, "more leaves than a table answers for")
        check(self.scale is None or arrays[self.scale].all(), "a scale of 0")
        inputs = (TensorSpec("x", (-1, self.features), columns=self.columns),)
        return TreeModel(table, inputs, (TensorSpec("y", (-1,)),), None)

    def _row(self, arrays: Sequence[NDArray[Any]], number: int | None) -> NDArray[Any] | None:
        if number is None:
            return None
        row = arrays[number]
        check(row.dtype == np.float64 and row.shape == (self.features,), "a row")
        check((np.abs(row) <= _MOST).all(), "numbers that are very large or not finite")
        return row


def recipe_of(root: Any) -> TreesRecipe:
    """Return where the trees of a described estimator are; raise NotDataError if it is anything else."""
    scaler, last = steps_of_root(root)
    members = [last] if last.kind not in _FORESTS else _members(last)
    features = last["n_features_in_"]
    check(type(features) is int and features > 0, "another number of features")
    check(scaler is None or "feature_names_in_" not in last.attributes, "names in the last step")
    mean, scale = scaling_of(scaler, features)
    check(scaler is None or (mean is not None and scale is not None), "a scaler that does half of it")
    places = [_place(member, features, is_alone=member is last) for member in members]
    return TreesRecipe(
        features,
        columns_of(scaler or last, features),
        mean,
        scale,
        tuple(nodes for nodes, _, _ in places),
        tuple(values for _, values, _ in places),
        tuple(size for _, _, size in places),
        releases_of(root, scaler, last, *members),
    )


def _members(forest: Described) -> list[Described]:
    own = {"estimator", "estimator_", "estimators_", "n_outputs_", *INPUT}
    check_attributes(forest, _IDLE_OF_FOREST, own)
    kind = _FORESTS[forest.kind]
    members: list[Described] = forest["estimators_"]
    for name in ("estimator", "estimator_"):
        template = forest[name]
        check(isinstance(template, Described) and template.kind == kind, "trees of another class")
        check_attributes(template, _IDLE, INPUT)
    check(isinstance(members, list) and 0 < len(members) <= _MAX_TREES, "another number of trees")
    check(type(forest["n_outputs_"]) is int and forest["n_outputs_"] == 1, "several outputs")
    check(all(isinstance(member, Described) and member.kind == kind for member in members), "another tree")
    return members


def _place(member: Described, features: int, *, is_alone: bool) -> tuple[int, int, int]:
    """Return the numbers of the arrays of nodes and values, and the number of nodes."""
    own = {"tree_", "n_outputs_", "n_features_in_", *(INPUT if is_alone else INPUT - {"feature_names_in_"})}
    check_attributes(member, _IDLE, own)
    tree = member["tree_"]
    check(isinstance(tree, Described) and tree.kind == TREE, "nodes of another class")
    check(member["n_features_in_"] == features and member["n_outputs_"] == 1, "another tree")
    check(len(tree.arguments) == 3, "other arguments")
    inputs, classes, outputs = tree.arguments
    check(inputs == features and isinstance(classes, Array) and outputs == 1, "other arguments")
    check(tree.attributes.keys() == {"max_depth", "node_count", "nodes", "values"}, "another attribute")
    size, nodes, values = (tree[name] for name in ("node_count", "nodes", "values"))
    check(type(size) is int and size > 0, "no nodes")
    check(all(isinstance(each, Array) and each.scalar is None for each in (nodes, values)), "no arrays")
    return nodes.number, values.number, size
