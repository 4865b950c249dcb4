"""What an estimator answers, by the names of the outputs.

y                  `predict`
probability        `predict_proba`; `probability.0`, `probability.1`, … of a classifier of several targets
score              `decision_function`, or `score_samples` where there is none
transformed        `transform`
std                `predict(..., return_std=True)`: the standard deviations of `y`

The first that an estimator has of y, transformed and score is answered by default, the others on request.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from bluegrid_server.frameworks.scikit_learn.parts import best_of, class_name, last_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Label = str | int | float | bool

Y, PROBABILITY, SCORE, TRANSFORMED, STD = "y", "probability", "score", "transformed", "std"

_METHODS = (
    (Y, "predict"),
    (TRANSFORMED, "transform"),
    (SCORE, "decision_function"),
    (SCORE, "score_samples"),
    (PROBABILITY, "predict_proba"),
)
"""Outputs, and the methods that compute them; `score` is of the first that an estimator has."""
_WITH_STD = {"GaussianProcessRegressor", "BayesianRidge", "ARDRegression"}


def methods_of(estimator: Any) -> dict[str, Callable[[Any], Any]]:
    """Return what computes each output of an estimator; the first is answered by default."""
    methods: dict[str, Callable[[Any], Any]] = {}
    for output, name in _METHODS:
        # scikit-learn hides methods that an estimator does not have with its parameters.
        if output not in methods and hasattr(estimator, name):
            methods[output] = getattr(estimator, name)
    inner = best_of(estimator)
    if class_name(last_of(inner)) in _WITH_STD:
        methods[STD] = partial(_deviations, inner)
    return methods


def arrays_of(output: str, value: Any) -> dict[str, NDArray[Any]]:
    """Return an estimator's answer as arrays of the protocol: one, or one for each target."""
    if output == PROBABILITY and isinstance(value, list):
        return {f"{output}.{target}": _array(each) for target, each in enumerate(value)}
    return {output: _array(value)}


def base_of(output: str) -> str:
    """Return the name by which `methods_of` has an output."""
    return output.partition(".")[0]


def classes_of(estimator: Any, output: str, array: NDArray[Any]) -> tuple[Label, ...]:
    """Return the labels along the last axis of probabilities or scores; empty if it has none."""
    if base_of(output) not in (PROBABILITY, SCORE) or array.ndim != 2:
        return ()
    classes = getattr(estimator, "classes_", None)
    target = output.partition(".")[2]
    if target and isinstance(classes, list):
        classes = classes[int(target)]
    # The scores of pairs of classes are as many as the classes if there are three.
    of_pairs = output == SCORE and getattr(last_of(estimator), "decision_function_shape", None) == "ovo"
    if of_pairs or not isinstance(classes, np.ndarray) or classes.shape != array.shape[1:]:
        return ()
    return tuple(map(_label, classes.tolist()))


def _label(value: Any) -> Label:
    plain = value.item() if isinstance(value, np.generic) else value
    return plain if isinstance(plain, str | int | float) else str(plain)


def _deviations(estimator: Any, x: Any) -> Any:
    _, deviations = estimator.predict(x, return_std=True)
    return deviations


def _array(value: Any) -> NDArray[Any]:
    if scipy.sparse.issparse(value):
        value = value.toarray()
    # Tables of pandas or polars, of transformers with `set_output`.
    elif hasattr(value, "to_numpy"):
        value = value.to_numpy()
    array = np.asarray(value)
    if array.dtype.kind == "f":
        return array.astype(np.float64, copy=False)
    return array if array.dtype.kind in "iub" else _of_objects(array.astype(object))


def _of_objects(array: NDArray[Any]) -> NDArray[Any]:
    """Return numbers that are kept as objects as numbers, and labels of any other type as they are."""
    found = np.array(array.tolist()) if array.size else array
    return found if found.dtype.kind in "iubf" else array
