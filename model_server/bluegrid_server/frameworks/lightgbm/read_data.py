"""Reads boosters of LightGBM as data: the same table and outputs as the compiler and loader make of them."""

from __future__ import annotations

import re
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry.model_types import writers
from bluegrid_server.frameworks.booster_data import booster_of
from bluegrid_server.frameworks.joined_trees import JoinedTrees
from bluegrid_server.frameworks.lightgbm.compiler import LINKS, are_generated, splits_of, table_of
from bluegrid_server.frameworks.not_data import check
from bluegrid_server.frameworks.tree_table import SMALL
from bluegrid_server.protocol.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.tree_model import TreeModel

_FORMAT, _MAJOR = "v4", 4
"""Format of files, and the major version of the releases that write it."""
_DECISIONS = (0, 2, 8, 10)
"""`decision_type` of splits of numbers, by where NaN goes and whether it is a missing value."""
_CATEGORIES = re.compile(r"^pandas_categorical:(?!null$|\[\]$)", re.MULTILINE)
_MAX_OUTPUTS = 1000
_TREE = {
    "num_leaves",
    "num_cat",
    "split_feature",
    "split_gain",
    "threshold",
    "decision_type",
    "left_child",
    "right_child",
    "leaf_value",
    "leaf_weight",
    "leaf_count",
    "internal_value",
    "internal_weight",
    "internal_count",
    "is_linear",
    "shrinkage",
}


def reader(_: frozenset[str]) -> Callable[[bytes], TreeModel]:
    """Return the reader; these files name no classes that a set could trust."""
    return partial(_model, image=version("lightgbm"))


def _model(data: bytes, image: str) -> TreeModel:
    check(writers.lightgbm(data) == _FORMAT and writers.release(image)[0] == _MAJOR, "another format")
    check(b"\r" not in data and b"\0" not in data, "another text")
    text, end, rest = data.decode().partition("\n\nend of trees\n")
    check(end and _CATEGORIES.search(rest) is None, "no end, or categories with names")
    head, *trees = text.split("\n\nTree=")
    header = table_of(head)
    outputs, classes = int(header["num_tree_per_iteration"]), header["num_class"]
    check(0 < outputs <= _MAX_OUTPUTS and trees and len(trees) % outputs == 0, "another number of trees")
    # A file of an objective of the author's own names none.
    objective = header.get("objective", "").removesuffix(f" num_class:{classes}")
    check(objective in LINKS, f"the objective {objective}")
    inputs = int(header["max_feature_idx"]) + 1
    names = header["feature_names"].split(" ")
    check(len(names) == inputs, "other names")
    is_average = "average_output" in head.splitlines()
    joined, order = _joined([table_of(tree) for tree in trees]), np.arange(len(trees)) % outputs
    divisor = len(trees) / outputs if is_average else 1.0
    table = joined.table(inputs, order, divisor=divisor, link=LINKS[objective])
    more = _on_request(objective.partition(" ")[0], outputs)
    return booster_of(table, joined.largest_sum(order), () if are_generated(names) else names, more)


def _joined(trees: list[dict[str, str]]) -> JoinedTrees:
    leaves = [int(tree["num_leaves"]) for tree in trees]
    check(min(leaves) > 0 and sum(leaves) <= 2 * SMALL, "no leaves, or more than a table answers for")
    for tree in trees:
        check(tree.keys() == _TREE and tree["is_linear"] == tree["num_cat"] == "0", "another tree")
    # Of a tree of one leaf, the other arrays say nothing.
    grown = [tree for tree, count in zip(trees, leaves, strict=True) if count > 1]
    decisions = _numbers(grown, "decision_type", np.int64)
    check(np.isin(decisions, _DECISIONS).all(), "splits of another kind")
    return JoinedTrees.of_inner_nodes(
        np.array(leaves),
        _numbers(grown, "split_feature", np.int64),
        splits_of(_numbers(grown, "threshold", np.float64)),
        _numbers(grown, "left_child", np.int64),
        _numbers(grown, "right_child", np.int64),
        _numbers(trees, "leaf_value", np.float64),
    )


def _numbers(trees: list[dict[str, str]], name: str, dtype: Any) -> NDArray[Any]:
    return np.array(" ".join(tree[name] for tree in trees).split(), dtype)


def _on_request(objective: str, outputs: int) -> list[TensorSpec]:
    """Return the outputs on request, as the loader has them."""
    shape = (-1, outputs) if outputs > 1 else (-1,)
    more = [TensorSpec("margin", shape, on_request=True)]
    if objective in ("binary", "cross_entropy"):
        more.append(TensorSpec("probability", (-1, 2), on_request=True))
    elif objective == "multiclass":
        more.append(TensorSpec("probability", shape, on_request=True))
    return more
