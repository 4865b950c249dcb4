"""scikit-learn's estimators, compiled: ensembles of trees by our own table, all else by skl2onnx.

skl2onnx is not used for trees: what it makes of them answers in FP32, and does not round the inputs as
scikit-learn does, so that rows near a split go astray.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.frameworks.compiled import Compiled, NotCompiledError
from bluegrid_server.frameworks.finite import watched
from bluegrid_server.frameworks.scikit_learn.parts import class_name, scaler_and_last, spread_rows, steps_of
from bluegrid_server.frameworks.tree_ensemble import Ensemble, Tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel

_TREES = {"DecisionTreeRegressor", "ExtraTreeRegressor", "DecisionTreeClassifier", "ExtraTreeClassifier"}
_FORESTS = {"RandomForestRegressor", "ExtraTreesRegressor", "RandomForestClassifier", "ExtraTreesClassifier"}
_BOOSTED = {"GradientBoostingRegressor", "GradientBoostingClassifier"}
_HIST_BOOSTED = {"HistGradientBoostingRegressor", "HistGradientBoostingClassifier"}
_SLOWER = ("sklearn.neighbors.", "sklearn.gaussian_process.")
"""Modules of what runs longer when it is compiled: distances to all that was seen in training."""
_TOO_LONG = {"QuantileTransformer"}
"""Steps for which skl2onnx takes seconds to minutes a model, and whose graphs compute with NaN then."""
_EXACT = {"ArrayFeatureExtractor", "LabelEncoder"}
"""Operators of ai.onnx.ml that compute nothing; the others do so in FP32."""
_LINKS = {"IdentityLink": "", "LogLink": "Exp"}
_RTOL = 1e-9
_ROWS = 24


def compiled(model: SklearnModel) -> Compiled:
    """Compile an estimator; raises whatever it has that cannot be."""
    estimator, features = model.estimator, model.inputs[0].shape[1]
    scaler, final = scaler_and_last(estimator)
    ensemble = _ensemble(final, scaler)
    if ensemble is not None:
        return Compiled(ensemble.graph(), ensemble.rows(), _RTOL)
    if type(final).__module__.startswith(_SLOWER):
        raise NotCompiledError(f"{type(final).__name__} is faster by itself")
    for step in steps_of(estimator) if class_name(estimator) == "Pipeline" else ():
        if class_name(step) in _TOO_LONG:
            raise NotCompiledError(f"{class_name(step)} takes longer to compile than it saves")
    return Compiled(_by_skl2onnx(estimator, features), _rows(features, scaler), _RTOL)


def _ensemble(estimator: Any, scaler: Any) -> Ensemble | None:
    name = class_name(estimator)
    if name in _TREES | _FORESTS:
        parts = _of_forest(estimator, [estimator] if name in _TREES else estimator.estimators_)
    elif name in _BOOSTED:
        parts = _of_boosted(estimator)
    elif name in _HIST_BOOSTED:
        parts = _of_hist_boosted(estimator)
    else:
        return None
    if scaler is not None:
        parts |= {"mean": scaler.mean_ if scaler.with_mean else None, "scale": scaler.scale_}
    return Ensemble(inputs=estimator.n_features_in_, **parts)


def _of_forest(estimator: Any, members: Any) -> dict[str, Any]:
    is_classifier = hasattr(estimator, "classes_")
    if is_classifier and estimator.n_outputs_ > 1:
        raise NotCompiledError("classifies several things at once")
    values = [each.tree_.value[:, 0, :] if is_classifier else each.tree_.value[:, :, 0] for each in members]
    outputs = values[0].shape[1]
    return {
        "outputs": outputs,
        "trees": [
            _tree(output, each.tree_, value[:, output])
            for each, value in zip(members, values, strict=True)
            for output in range(outputs)
        ],
        "rounds": True,
        "divisor": float(len(members)),
        "labels": estimator.classes_ if is_classifier else None,
    }


def _tree(output: int, tree: Any, values: NDArray[Any]) -> Tree:
    return Tree.of_children(
        output, tree.feature, tree.threshold, tree.children_left, tree.children_right, values
    )


def _of_boosted(estimator: Any) -> dict[str, Any]:
    if estimator.init_ != "zero" and not class_name(estimator.init_).startswith("Dummy"):
        raise NotCompiledError(f"starts from a {type(estimator.init_).__name__}")
    start = estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_)))[0]
    rate = estimator.learning_rate
    trees = [
        _tree(output, each.tree_, rate * each.tree_.value[:, 0, 0])
        for stage in estimator.estimators_
        for output, each in enumerate(stage)
    ]
    # Of two classes it takes the second where the sum is 0 or more; ArgMax takes the first of equals.
    return {"rounds": True, **_sums(estimator, start, trees, first_of_equals=1)}


def _of_hist_boosted(estimator: Any) -> dict[str, Any]:
    if estimator.is_categorical_ is not None:
        raise NotCompiledError("splits by categories")
    trees = []
    for stage in estimator._predictors:
        for output, each in enumerate(stage):
            nodes = each.nodes
            leaf = nodes["is_leaf"].astype(bool)
            left, right = (np.where(leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
            trees.append(
                Tree.of_children(
                    output, nodes["feature_idx"], nodes["num_threshold"], left, right, nodes["value"]
                )
            )
    start = estimator._baseline_prediction.reshape(-1)
    # Of two classes scikit-learn takes the second where its probability is the larger.
    sums = _sums(estimator, start, trees, first_of_equals=0)
    return (
        sums if hasattr(estimator, "classes_") else {**sums, "link": _LINKS[class_name(estimator._loss.link)]}
    )


def _sums(estimator: Any, start: Any, trees: list[Tree], *, first_of_equals: int) -> dict[str, Any]:
    labels = getattr(estimator, "classes_", None)
    if labels is not None and len(labels) == 2:
        # One sum, for the second class, beside which the first has 0.
        place = 1 - first_of_equals
        trees = [replace(each, output=place) for each in trees]
        begun = [Tree.constant(place, start[0]), Tree.constant(1 - place, 0.0)]
        return {"outputs": 2, "trees": begun + trees, "labels": labels[::-1] if first_of_equals else labels}
    begun = [Tree.constant(output, value) for output, value in enumerate(start)]
    return {"outputs": len(start), "trees": begun + trees, "labels": labels}


def _by_skl2onnx(estimator: Any, features: int) -> bytes:
    # Here, because it takes a fifth of a second to import and trees do without.
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import DoubleTensorType

    types = [("x", DoubleTensorType([None, features]))]
    options = {"zipmap": False} if hasattr(estimator, "classes_") else None
    converted = convert_sklearn(estimator, initial_types=types, options=options)
    rounding = {node.op_type for node in converted.graph.node if node.domain == "ai.onnx.ml"} - _EXACT
    # Of numbers, the comparison tells whether that matters; of labels, it does only to rare rows.
    if rounding and options:
        raise NotCompiledError(f"would choose its labels in FP32 ({', '.join(sorted(rounding))})")
    return bytes(watched(converted).SerializeToString())


def _rows(size: int, scaler: Any) -> NDArray[Any]:
    """Rows from deep within the range of the scaler, or of a standard one, to far outside."""
    rows = spread_rows(_ROWS, size)
    if scaler is None:
        return rows
    scaled = rows if scaler.scale_ is None else rows * scaler.scale_
    return scaled if scaler.mean_ is None else scaled + scaler.mean_
