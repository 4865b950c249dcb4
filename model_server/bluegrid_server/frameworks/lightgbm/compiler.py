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

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.boosters import BoosterModel

LINKS = {
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
    header = table_of(head)
    objective = header.get("objective", "").removesuffix(f" num_class:{header['num_class']}")
    if objective not in LINKS:
        raise NotCompiledError(f"is of objective {objective or 'of its own'}")
    outputs = int(header["num_tree_per_iteration"])
    is_average = "average_output" in head.splitlines()
    ensemble = Ensemble(
        inputs=model.booster.num_feature(),
        outputs=outputs,
        trees=[_tree(number % outputs, table_of(tree)) for number, tree in enumerate(trees)],
        divisor=len(trees) / outputs if is_average else 1.0,
        link=LINKS[objective],
    )
    return Compiled(ensemble, ensemble.rows(), _RTOL)


def are_generated(names: list[str]) -> bool:
    """Return whether LightGBM has made up the names of the features."""
    return names == [f"Column_{number}" for number in range(len(names))]


def table_of(text: str) -> dict[str, str]:
    """Return the keys and values of a part of the text."""
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
    return Tree(output, features, splits_of(splits), left, right, leaves)


def splits_of(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the splits of thresholds: numbers from -_ZERO to _ZERO are 0, and no split is between."""
    splits: NDArray[np.float64] = np.where(thresholds == -_ZERO, np.nextafter(-_ZERO, -np.inf), thresholds)
    return splits
