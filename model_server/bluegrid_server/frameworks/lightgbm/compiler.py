"""Compiler of LightGBM's boosters, from LightGBM's text format.

https://github.com/microsoft/LightGBM/blob/master/src/io/tree.cpp writes and reads this format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bluegrid_server.frameworks.compiled import Compiled, NotCompiledError
from bluegrid_server.frameworks.trees import Ensemble, Tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bluegrid_server.frameworks.boosters import BoosterModel

_LINKS = {
    **dict.fromkeys(
        (
            "regression",
            "regression_l1",
            "huber",
            "fair",
            "quantile",
            "mape",
            "lambdarank",
            "rank_xendcg",
        ),
        "",
    ),
    **dict.fromkeys(("binary sigmoid:1", "cross_entropy"), "Sigmoid"),
    **dict.fromkeys(("poisson", "gamma", "tweedie"), "Exp"),
    "multiclass": "Softmax",
}
_RTOL = 1e-9
_ZERO = float(np.float32(1e-35))
_CATEGORICAL, _MISSING, _ZERO_IS_MISSING = 1, 12, 4
"""In a node's `decision_type`: the bit of categories, the bits of missing values, and one of their values."""


def compiled(model: BoosterModel) -> Compiled:
    """Compile a booster.

    Raises:
        NotCompiledError: the booster has features that ONNX does not have.
    """
    if model.inputs[0].table:
        raise NotCompiledError("takes categories by name")
    text = model.booster.model_to_string()
    head, *trees = text.split("\n\nend of trees")[0].split("\n\nTree=")
    header = _table(head)
    objective = header.get("objective", "").removesuffix(f" num_class:{header['num_class']}")
    if objective not in _LINKS:
        raise NotCompiledError(f"is of objective {objective or 'of its own'}")
    outputs = int(header["num_tree_per_iteration"])
    is_average = "average_output" in head.splitlines()
    ensemble = Ensemble(
        inputs=model.booster.num_feature(),
        outputs=outputs,
        trees=[_tree(number % outputs, _table(tree)) for number, tree in enumerate(trees)],
        divisor=len(trees) / outputs if is_average else 1.0,
        link=_LINKS[objective],
    )
    return Compiled(ensemble, ensemble.rows(), _RTOL)


def _table(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _tree(output: int, tree: Mapping[str, str]) -> Tree:
    if tree["is_linear"] != "0":
        raise NotCompiledError("has linear models in its leaves")
    leaves = np.array(tree["leaf_value"].split(), dtype=np.float64)
    if len(leaves) == 1:
        return Tree.constant(output, leaves[0])
    decisions = np.array(tree["decision_type"].split(), dtype=np.int64)
    if (decisions & _CATEGORICAL).any():
        raise NotCompiledError("splits by categories")
    if ((decisions & _MISSING) == _ZERO_IS_MISSING).any():
        raise NotCompiledError("takes zero for a missing value")
    features, left, right = (
        np.array(tree[name].split(), dtype=np.int64)
        for name in ("split_feature", "left_child", "right_child")
    )
    splits = np.array(tree["threshold"].split(), dtype=np.float64)
    # LightGBM treats numbers from -_ZERO to _ZERO as 0, and has no splits between the two.
    splits = np.where(splits == -_ZERO, np.nextafter(-_ZERO, -np.inf), splits)
    return Tree(output, features, splits, left, right, leaves)
