"""Compiler of scikit-learn's estimators: ensembles of trees by `trees.py`, others by skl2onnx.

skl2onnx is not used for trees: its graphs answer in FP32 and do not round the inputs as scikit-learn does, so
that rows near a split take the wrong branch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.frameworks.compiled import Compiled, NotCompiledError
from bluegrid_server.frameworks.scikit_learn.answers import Y
from bluegrid_server.frameworks.scikit_learn.parts import class_name, scaler_and_last, spread_rows, steps_of
from bluegrid_server.frameworks.trees import Ensemble, Tree
from bluegrid_server.protocol.tensor_spec import Datatype

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel

_TREES = {"DecisionTreeRegressor", "ExtraTreeRegressor", "DecisionTreeClassifier", "ExtraTreeClassifier"}
_FORESTS = {"RandomForestRegressor", "ExtraTreesRegressor", "RandomForestClassifier", "ExtraTreesClassifier"}
_BOOSTED = {"GradientBoostingRegressor", "GradientBoostingClassifier"}
_HIST_BOOSTED = {"HistGradientBoostingRegressor", "HistGradientBoostingClassifier"}
_SLOWER = ("sklearn.neighbors.", "sklearn.gaussian_process.")
"""Modules of estimators that are slower when compiled: they compute distances to all training rows."""
_TOO_LONG = {"QuantileTransformer"}
"""Steps that skl2onnx compiles in seconds to minutes a model, to graphs that compute with NaN."""
_EXACT = {"ArrayFeatureExtractor", "LabelEncoder"}
"""Operators of ai.onnx.ml that compute nothing; the others compute in FP32."""
_LINKS = {"IdentityLink": "", "LogLink": "Exp"}
_RTOL = 1e-9
_ROWS = 24


def compiled(model: SklearnModel) -> Compiled:
    """Compile an estimator; raise an exception of any class if it cannot be compiled."""
    estimator, features = model.estimator, _features(model)
    scaler, final = scaler_and_last(estimator)
    ensemble = _ensemble(final, scaler)
    if ensemble is not None:
        return Compiled(ensemble, ensemble.rows(), _RTOL, is_slow=True)
    if type(final).__module__.startswith(_SLOWER):
        raise NotCompiledError(f"{type(final).__name__} is faster by itself")
    for step in steps_of(estimator) if class_name(estimator) == "Pipeline" else ():
        if class_name(step) in _TOO_LONG:
            raise NotCompiledError(f"{class_name(step)} takes longer to compile than it saves")
    return Compiled(_by_skl2onnx(estimator, features), _rows(features, scaler), _RTOL)


def _features(model: SklearnModel) -> int:
    """Return the number of features of a model that predicts from rows of numbers."""
    spec, *more = model.inputs
    if model.outputs[0].name != Y or more or spec.datatype != Datatype.FP64 or len(spec.shape) != 2:
        raise NotCompiledError("does not predict from rows of numbers")
    if not model.takes_rows:
        raise NotCompiledError("takes a table with names")
    return spec.shape[1]


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
    trees = [member.tree_ for member in members]
    values = [tree.value[:, 0, :] if is_classifier else tree.value[:, :, 0] for tree in trees]
    outputs = values[0].shape[1]
    return {
        "outputs": outputs,
        "trees": [
            _tree(output, tree, value[:, output])
            for tree, value in zip(trees, values, strict=True)
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
        _tree(output, member.tree_, rate * member.tree_.value[:, 0, 0])
        for stage in estimator.estimators_
        for output, member in enumerate(stage)
    ]
    # With two classes, scikit-learn chooses the second if the sum is 0 or more; ArgMax the first of equals.
    return {"rounds": True, **_sums(estimator, start, trees, first_of_equals=1)}


def _of_hist_boosted(estimator: Any) -> dict[str, Any]:
    if estimator.is_categorical_ is not None:
        raise NotCompiledError("splits by categories")
    trees = []
    for stage in estimator._predictors:
        for output, predictor in enumerate(stage):
            nodes = predictor.nodes
            leaf = nodes["is_leaf"].astype(bool)
            left, right = (np.where(leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
            trees.append(
                Tree.of_children(
                    output, nodes["feature_idx"], nodes["num_threshold"], left, right, nodes["value"]
                )
            )
    start = estimator._baseline_prediction.reshape(-1)
    # With two classes, scikit-learn chooses the second if its probability is larger.
    sums = _sums(estimator, start, trees, first_of_equals=0)
    return (
        sums if hasattr(estimator, "classes_") else {**sums, "link": _LINKS[class_name(estimator._loss.link)]}
    )


def _sums(estimator: Any, start: Any, trees: list[Tree], *, first_of_equals: int) -> dict[str, Any]:
    labels = getattr(estimator, "classes_", None)
    if labels is not None and len(labels) == 2:
        # The trees are one sum, for the second class; the sum of the first class is 0.
        second = 1 - first_of_equals
        trees = [replace(tree, output=second) for tree in trees]
        constants = [Tree.constant(second, start[0]), Tree.constant(1 - second, 0.0)]
        order = labels[::-1] if first_of_equals else labels
        return {"outputs": 2, "trees": constants + trees, "labels": order}
    constants = [Tree.constant(output, value) for output, value in enumerate(start)]
    return {"outputs": len(start), "trees": constants + trees, "labels": labels}


def _by_skl2onnx(estimator: Any, features: int) -> bytes:
    # Imported here, because it takes a fifth of a second, trees do not need it, and few images have it.
    try:
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import DoubleTensorType

        from bluegrid_server.frameworks.finite import watched
    except ImportError as error:
        raise NotCompiledError(f"{error}; the image family `accelerated` compiles such models") from None

    types = [("x", DoubleTensorType([None, features]))]
    options = {"zipmap": False} if hasattr(estimator, "classes_") else None
    converted = convert_sklearn(estimator, initial_types=types, options=options)
    rounding = {node.op_type for node in converted.graph.node if node.domain == "ai.onnx.ml"} - _EXACT
    # The comparison finds wrong numbers, but not wrong labels, which only few rows have.
    if rounding and options:
        raise NotCompiledError(f"would choose its labels in FP32 ({', '.join(sorted(rounding))})")
    return bytes(watched(converted).SerializeToString())


def _rows(size: int, scaler: Any) -> NDArray[Any]:
    """Return rows from deep within the range of the scaler, or of a standard scaler, to far outside."""
    rows = spread_rows(_ROWS, size)
    if scaler is None:
        return rows
    scaled = rows if scaler.scale_ is None else rows * scaler.scale_
    return scaled if scaler.mean_ is None else scaled + scaler.mean_
