"""Compiler of XGBoost's boosters of trees, in FP32 like XGBoost itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.frameworks.compiled import Compiled, NotCompiledError
from bluegrid_server.frameworks.trees import Ensemble, Tree

if TYPE_CHECKING:
    from bluegrid_server.frameworks.boosters import BoosterModel

_LINKS = {
    "": (
        "reg:squarederror",
        "reg:squaredlogerror",
        "reg:absoluteerror",
        "reg:pseudohubererror",
        "reg:quantileerror",
        "binary:logitraw",
        "rank:pairwise",
        "rank:ndcg",
        "rank:map",
    ),
    "Sigmoid": ("binary:logistic", "reg:logistic"),
    "Exp": ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox"),
    "Softmax": ("multi:softprob",),
}
LINK_OF = {objective: link for link, objectives in _LINKS.items() for objective in objectives}
_RTOL = 1e-5


def compiled(model: BoosterModel) -> Compiled:
    """Compile a booster.

    Raises:
        NotCompiledError: the booster is not of trees, or has features that ONNX does not have.
    """
    if model.inputs[0].table:
        raise NotCompiledError("takes categories by name")
    learner = json.loads(model.booster.save_raw("json"))["learner"]
    objective = learner["objective"]["name"]
    kind = learner["gradient_booster"]["name"]
    if kind != "gbtree" or objective not in LINK_OF:
        raise NotCompiledError(f"is of booster {kind} and objective {objective}")
    parameters, grown = learner["learner_model_param"], learner["gradient_booster"]["model"]
    outputs = max(int(parameters["num_class"]), int(parameters["num_target"]), 1)
    link = LINK_OF[objective]
    base = np.broadcast_to(
        np.array(json.loads(parameters["base_score"]), dtype=np.float32).reshape(-1), outputs
    )
    ensemble = Ensemble(
        inputs=int(parameters["num_feature"]),
        outputs=outputs,
        trees=[
            *(Tree.constant(output, margin_of(value, link)) for output, value in enumerate(base)),
            *(_tree(*each) for each in zip(grown["tree_info"], grown["trees"], strict=True)),
        ],
        precision=np.float32,
        is_strict=True,
        link=link,
    )
    return Compiled(ensemble, ensemble.rows(), _RTOL)


def _tree(output: int, tree: dict[str, Any]) -> Tree:
    if any(tree["split_type"]) or int(tree["tree_param"]["size_leaf_vector"]) > 1:
        raise NotCompiledError("splits by categories, or has several numbers in a leaf")
    values = np.array(tree["split_conditions"], dtype=np.float32)
    return Tree.of_children(
        output, tree["split_indices"], values, tree["left_children"], tree["right_children"], values
    )


def margin_of(base: Any, link: str) -> Any:
    """Return the sum whose answer is the base score, as XGBoost computes it."""
    one = np.float32(1)
    if link == "Sigmoid":
        return -np.log(one / base - one)
    return np.log(base) if link == "Exp" else base
