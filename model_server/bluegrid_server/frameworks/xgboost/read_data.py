"""Reads boosters of XGBoost as data: the same table and outputs as the compiler and loader make of them."""

from __future__ import annotations

from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from bluegrid_registry.model_types import writers
from bluegrid_server.frameworks.booster_data import booster_of, numbers_of
from bluegrid_server.frameworks.joined_trees import JoinedTrees
from bluegrid_server.frameworks.not_data import check
from bluegrid_server.frameworks.tree_table import SMALL
from bluegrid_server.frameworks.xgboost.compiler import LINK_OF, margin_of
from bluegrid_server.frameworks.xgboost.ubjson import document_of
from bluegrid_server.protocol.tensor_spec import Datatype, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bluegrid_server.frameworks.tree_model import TreeModel

_TREE = {
    "base_weights",
    "categories",
    "categories_nodes",
    "categories_segments",
    "categories_sizes",
    "default_left",
    "id",
    "left_children",
    "loss_changes",
    "parents",
    "right_children",
    "split_conditions",
    "split_indices",
    "split_type",
    "sum_hessian",
    "tree_param",
}
_BEST = "best_iteration"
_ATTRIBUTES = {_BEST, "best_score", "scikit_learn"}
"""Attributes of boosters; others could be those of later releases."""
_MAX_OUTPUTS = 1000


def reader(_: frozenset[str]) -> Callable[[bytes], TreeModel]:
    """Return the reader; these files name no classes that a set could trust."""
    return partial(_model, image=_installed())


def _installed() -> str:
    """Return the release in this image: for the CPU alone, the package has another name."""
    try:
        return version("xgboost-cpu")
    except PackageNotFoundError:
        return version("xgboost")


def _model(data: bytes, image: str) -> TreeModel:
    # A file of an earlier major version is changed when it is read.
    written, (major, minor) = writers.release(_writer(data)), writers.release(image)
    check(written[0] == major and written[1] <= minor, "another release")
    document = document_of(data) if data[1:2] == b"L" else orjson.loads(data)
    check(document.keys() == {"learner", "version"}, "another document")
    learner = document["learner"]
    check(
        learner.keys()
        == {
            "attributes",
            "feature_names",
            "feature_types",
            "gradient_booster",
            "learner_model_param",
            "objective",
        },
        "another learner",
    )
    booster, objective = learner["gradient_booster"], learner["objective"]["name"]
    check(booster.keys() == {"model", "name"} and booster["name"] == "gbtree", "another booster")
    parameters, grown = learner["learner_model_param"], booster["model"]
    targets = int(parameters["num_target"])
    outputs = max(int(parameters["num_class"]), targets, 1)
    check(outputs <= _MAX_OUTPUTS and "c" not in learner["feature_types"], "many outputs, or categories")
    check(objective in LINK_OF, f"the objective {objective}")
    link = LINK_OF[objective]
    base = np.array(orjson.loads(parameters["base_score"]), np.float32).reshape(-1)
    base = np.broadcast_to(base, outputs)
    count = _trees(grown, learner["attributes"])
    joined = _joined([margin_of(value, link) for value in base], grown["trees"][:count])
    of_trees = numbers_of(grown["tree_info"][:count], np.int64)
    check(((of_trees >= 0) & (of_trees < outputs)).all(), "a tree of another output")
    order = np.concatenate((np.arange(outputs), of_trees))
    inputs = int(parameters["num_feature"])
    table = joined.table(inputs, order, single=True, is_strict=True, link=link)
    more = _on_request(objective, outputs, targets)
    return booster_of(table, joined.largest_sum(order), learner["feature_names"], more)


def _writer(data: bytes) -> str | None:
    return writers.xgboost_ubj(data) or writers.xgboost_json(data)


def _trees(grown: Mapping[str, Any], attributes: Mapping[str, str]) -> int:
    """Return the number of trees that answer: up to the best round, if early stopping has recorded it."""
    ends, trees = grown["iteration_indptr"], len(grown["trees"])
    check(attributes.keys() <= _ATTRIBUTES, "another attribute")
    check(len(grown["tree_info"]) == trees == ends[-1], "another number of trees")
    rounds = len(ends) - 1 if _BEST not in attributes else int(attributes[_BEST]) + 1
    check(0 < rounds < len(ends), "another round")
    return int(ends[rounds])


def _joined(margins: list[Any], trees: list[dict[str, Any]]) -> JoinedTrees:
    """Join the trees; before them, one of one leaf for the start of each sum."""
    sizes = [int(tree["tree_param"]["num_nodes"]) for tree in trees]
    check(sum(size // 2 for size in sizes) <= SMALL, "more nodes than a table answers for")
    for tree, size in zip(trees, sizes, strict=True):
        check(tree.keys() == _TREE, "another tree")
        parameters = tree["tree_param"]
        check(parameters["size_leaf_vector"] in ("0", "1") and parameters["num_deleted"] == "0", "a tree")
        check(len(tree["categories_nodes"]) == 0 and not np.any(tree["split_type"]), "splits by categories")
        check(all(len(tree[name]) == size for name in _NODES), "arrays of other sizes")

    def nodes(name: str, dtype: Any, first: Any) -> Any:
        return np.concatenate([first, *(numbers_of(tree[name], dtype) for tree in trees)])

    none = np.full(len(margins), -1)
    splits = nodes("split_conditions", np.float32, np.array(margins, np.float32))
    return JoinedTrees.of_nodes(
        np.array([*(1 for _ in margins), *sizes]),
        nodes("split_indices", np.int64, np.zeros(len(margins), np.int64)),
        splits,
        nodes("left_children", np.int64, none),
        nodes("right_children", np.int64, none),
        splits,
    )


_NODES = ("left_children", "right_children", "split_conditions", "split_indices", "split_type")


def _on_request(objective: str, outputs: int, targets: int) -> list[TensorSpec]:
    """Return the outputs on request, as `xgboost/outputs.py` has them."""
    wide = (outputs,) if outputs > 1 else ()
    more = [TensorSpec("margin", (-1, *wide), on_request=True)]
    if objective == "binary:logistic":
        if targets == 1:
            more.append(TensorSpec("probability", (-1, 2), classes=(0, 1), on_request=True))
        more.append(TensorSpec("label", (-1, *wide), Datatype.INT64, on_request=True))
    elif objective == "multi:softprob":
        classes = tuple(range(outputs))
        more.append(TensorSpec("probability", (-1, outputs), classes=classes, on_request=True))
        more.append(TensorSpec("label", (-1,), Datatype.INT64, on_request=True))
    return more
