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
from bluegrid_server.frameworks.not_data import NotDataError, check
from bluegrid_server.frameworks.scikit_learn.data.described import Array
from bluegrid_server.frameworks.scikit_learn.data.pipeline import (
    INPUT,
    check_attributes,
    columns_of,
    releases_of,
    scaling_of,
    steps_of_root,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

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
CLASSES = {*_IDLE}
"""Classes that are read."""

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
    scaler, last = steps_of_root(root)
    idle = _IDLE.get(last.kind)
    if idle is None:
        raise NotDataError("not a linear model")
    # The names that count are those of the first step.
    own = {"coef_", "intercept_", *INPUT} - ({"feature_names_in_"} if scaler else set())
    check_attributes(last, idle, own)
    features = last["n_features_in_"]
    check(type(features) is int and 0 < features <= _MAX_FEATURES, "another number of features")
    mean, scale = scaling_of(scaler, features)
    coefficients, intercept = last["coef_"], last["intercept_"]
    check(isinstance(coefficients, Array) and coefficients.scalar is None, "other coefficients")
    if isinstance(intercept, Array):
        check(intercept.scalar == "numpy.float64", "another intercept")
    else:
        check(type(intercept) is float, "another intercept")
    return LinearRecipe(
        features,
        columns_of(scaler or last, features),
        mean,
        scale,
        coefficients.number,
        intercept,
        releases_of(root, scaler, last),
    )
