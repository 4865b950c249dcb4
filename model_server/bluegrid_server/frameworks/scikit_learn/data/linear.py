"""Described linear models of scikit-learn: the same as `scikit_learn/linear.py` makes of their estimators.

Each class is known with all attributes that releases of scikit-learn have given it, so that nothing that
changes an answer is overlooked. The limits below keep rounding far under the tolerance of the comparison
with an estimator: no model that is read here differs from its estimator by more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.frameworks.scikit_learn.data.described import (
    VERSION,
    Array,
    Described,
    ObjectArray,
    check,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_PIPELINE = "sklearn.pipeline.Pipeline"
_SCALER = "sklearn.preprocessing._data.StandardScaler"
_INPUT = {"n_features_in_", "feature_names_in_", VERSION}
_OF_ALL = {"fit_intercept", "normalize", "copy_X", "tol", "positive"}
_BY_COORDINATES = {
    "alpha",
    "l1_ratio",
    "precompute",
    "max_iter",
    "warm_start",
    "random_state",
    "selection",
    "n_iter_",
    "dual_gap_",
}
_IDLE = {
    "sklearn.linear_model._base.LinearRegression": _OF_ALL | {"n_jobs", "rank_", "singular_"},
    "sklearn.linear_model._ridge.Ridge": _OF_ALL
    | {"alpha", "max_iter", "solver", "random_state", "n_iter_", "solver_"},
    "sklearn.linear_model._coordinate_descent.Lasso": _OF_ALL | _BY_COORDINATES,
    "sklearn.linear_model._coordinate_descent.ElasticNet": _OF_ALL | _BY_COORDINATES,
}
"""By class, attributes that matter in the training only."""
_IDLE_OF_SCALER = {"var_", "n_samples_seen_"}

_MAX_FEATURES = 4096
"""As many products, added up in any order, differ by less than 1e-12 of their magnitudes."""
_LEAST, _MOST = 1e-100, 1e100
"""Magnitudes of numbers: their products neither overflow nor vanish."""


@dataclass(frozen=True, slots=True)
class LinearRecipe:
    """Where the numbers of a linear model are in a file.

    Attributes:
        features: number of features.
        columns: their names; empty if the model was trained without names.
        mean: numbers of the arrays, None if there is none.
        scale: as `mean`.
        coefficients: number of the array.
        intercept: number of the array, or the intercept itself.
        releases: of scikit-learn that wrote the file.
    """

    features: int
    columns: tuple[str, ...]
    mean: int | None
    scale: int | None
    coefficients: int
    intercept: Array | float
    releases: frozenset[str]

    def model(self, arrays: Sequence[NDArray[Any]]) -> LinearModel:
        """Return the model of a file's arrays; raise NotDataError if they are not as they must be."""
        table = np.empty((3, self.features))
        table[0] = 0.0 if self.mean is None else self._row(arrays[self.mean])
        table[1] = 1.0 if self.scale is None else self._row(arrays[self.scale])
        table[2] = self._row(arrays[self.coefficients])
        intercept = self.intercept
        if isinstance(intercept, Array):
            array = arrays[intercept.number]
            check(array.shape == () and array.dtype == np.float64, "another intercept")
            intercept = float(array)
        magnitudes = np.abs(table)
        check((table[1] > 0).all(), "a scale that is not positive")
        is_plain = (magnitudes <= _MOST) & ((magnitudes >= _LEAST) | (magnitudes == 0))
        check(is_plain.all(), "numbers that are very large or very small")
        check(intercept == 0 or _LEAST <= abs(intercept) <= _MOST, "a very large or small intercept")
        return LinearModel(table, intercept, self.columns)

    def _row(self, array: NDArray[Any]) -> NDArray[Any]:
        check(array.dtype == np.float64 and array.shape == (self.features,), "another array")
        return array


def recipe_of(root: Any) -> LinearRecipe:
    """Return where the numbers of a described estimator are; raise NotDataError if it is not linear."""
    scaler, last = _steps(root)
    idle = _IDLE.get(last.kind)
    if idle is None:
        check(False, "not a linear model")
    # The names that count are those of the first step.
    own = {"coef_", "intercept_", *_INPUT} - ({"feature_names_in_"} if scaler else set())
    _check_attributes(last, idle or set(), own)
    features = last.attributes["n_features_in_"]
    check(type(features) is int and 0 < features <= _MAX_FEATURES, "another number of features")
    mean = scale = None
    if scaler is not None:
        mean, scale = _of_scaler(scaler, features)
    coefficients, intercept = last.attributes["coef_"], last.attributes["intercept_"]
    check(isinstance(coefficients, Array) and coefficients.scalar is None, "other coefficients")
    if isinstance(intercept, Array):
        check(intercept.scalar == "numpy.float64", "another intercept")
    else:
        check(type(intercept) is float, "another intercept")
    parts = [part for part in (root, scaler, last) if part is not None]
    return LinearRecipe(
        features,
        _columns(scaler or last, features),
        mean,
        scale,
        coefficients.number,
        intercept,
        frozenset(_release(part) for part in parts),
    )


def _steps(root: Any) -> tuple[Described | None, Described]:
    """Return the scaler, if there is one, and the last step."""
    check(isinstance(root, Described), "not an estimator")
    if root.kind != _PIPELINE:
        return None, root
    attributes = root.attributes
    check(
        attributes.keys() <= {"steps", "memory", "transform_input", "verbose", VERSION}, "another attribute"
    )
    idle = (attributes.get("memory"), attributes.get("transform_input"), attributes.get("verbose", False))
    check(idle == (None, None, False), "another setting of the pipeline")
    steps = attributes["steps"]
    check(isinstance(steps, list) and 1 <= len(steps) <= 2, "other steps")
    for step in steps:
        check(isinstance(step, tuple) and len(step) == 2 and isinstance(step[0], str), "another step")
        check(isinstance(step[1], Described), "a step that is no estimator")
    scaler, last = (None, steps[0][1]) if len(steps) == 1 else (steps[0][1], steps[1][1])
    check(scaler is None or (scaler.kind == _SCALER and steps[0][0] != steps[1][0]), "another first step")
    return scaler, last


def _of_scaler(scaler: Described, features: int) -> tuple[int | None, int | None]:
    attributes = scaler.attributes
    _check_attributes(scaler, _IDLE_OF_SCALER, {"with_mean", "with_std", "copy", "mean_", "scale_", *_INPUT})
    check(type(attributes["n_features_in_"]) is int and attributes["n_features_in_"] == features, "features")
    # Without a copy, rows are changed in place.
    check(attributes["copy"] is True, "a scaler in place")
    numbers: list[int | None] = []
    for setting, name in (("with_mean", "mean_"), ("with_std", "scale_")):
        check(type(attributes[setting]) is bool, "another setting")
        array = attributes[name] if attributes[setting] else None
        check(not attributes[setting] or (isinstance(array, Array) and array.scalar is None), "no array")
        numbers.append(None if array is None else array.number)
    return numbers[0], numbers[1]


def _check_attributes(part: Described, idle: set[str], own: set[str]) -> None:
    for name, value in part.attributes.items():
        check(name in own or name in idle, f"an attribute {name}")
        check(name in own or not isinstance(value, Described | ObjectArray), f"an object in {name}")


def _columns(part: Described, features: int) -> tuple[str, ...]:
    names = part.attributes.get("feature_names_in_")
    if names is None:
        check("feature_names_in_" not in part.attributes, "names that are none")
        return ()
    check(isinstance(names, ObjectArray) and len(names.items) == features, "other names")
    check(all(type(name) is str for name in names.items), "names that are not text")
    return tuple(names.items)


def _release(part: Described) -> str:
    release = part.attributes[VERSION]
    check(type(release) is str, "another release")
    return str(release)
