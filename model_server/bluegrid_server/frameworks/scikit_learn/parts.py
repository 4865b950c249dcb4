"""The parts of a scikit-learn estimator: steps of pipelines, nested estimators, attributes of the input."""

from __future__ import annotations

from functools import cache
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.pipeline import FeatureUnion, Pipeline

from bluegrid_server.frameworks.scikit_learn.wrappers import attribute_of_catboost, package_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_NESTED_ESTIMATORS = (
    "best_estimator_",
    "regressor_",
    "estimators_",
    "calibrated_classifiers_",
    "estimator_",
    "estimator",
)
"""Attributes in which scikit-learn's meta-estimators hold the estimators to which they pass their input.

Where there are several, the last are the estimators as they were before they were fitted.
"""


def attribute_of_input(estimator: Any, name: str) -> Any:
    """Return an attribute about the input, such as `n_features_in_`, of an estimator or its parts, or None.

    scikit-learn itself asks only the first step of a pipeline and the first part of a union, which may be
    `passthrough` or `drop`.
    """
    if package_of(estimator) == "catboost":
        return attribute_of_catboost(estimator, name)
    value = getattr(estimator, name, None)
    # 0 is the number of a part of CatBoost.
    if value is not None and not (isinstance(value, int) and value == 0):
        return value
    values = (attribute_of_input(part, name) for part in input_parts(estimator))
    return next((value for value in values if value is not None), None)


def steps_of(pipeline: Any) -> list[Any]:
    """Return the steps of a pipeline, without `passthrough`."""
    return [step for _, step in pipeline.steps if not _passes_through(step)]


def scaler_and_last(estimator: Any) -> tuple[Any, Any]:
    """Return the StandardScaler of a pipeline, if nothing else precedes its last step, and the last step.

    Return None and the estimator itself if it is not such a pipeline.
    """
    if class_name(estimator) != "Pipeline":
        return None, estimator
    steps = steps_of(estimator)
    if len(steps) == 2 and class_name(steps[0]) == "StandardScaler":
        return steps[0], steps[1]
    return None, steps[0] if len(steps) == 1 else estimator


def class_name(estimator: Any) -> str:
    """Return the name of an estimator's class in scikit-learn; an empty string for other classes.

    A subclass of another package may predict differently.
    """
    kind = type(estimator)
    return kind.__name__ if kind.__module__.startswith("sklearn.") else ""


@cache
def spread_rows(count: int, features: int) -> NDArray[np.float64]:
    """Return rows near and far from 0, (count, features), to compare a model with its estimator.

    Cached, because to make the rows takes as long as a prediction.
    """
    spread = np.geomspace(1e-3, 1e6, count)[:, np.newaxis]
    return spread * np.random.default_rng(0).normal(size=(count, features))


def _passes_through(step: Any) -> bool:
    if isinstance(step, Pipeline):
        return not steps_of(step)
    return step is None or (isinstance(step, str) and step == "passthrough")


def input_parts(estimator: Any) -> list[Any]:
    """Return the parts of an estimator that get its input unchanged."""
    if isinstance(estimator, Pipeline):
        return steps_of(estimator)[:1]
    if isinstance(estimator, FeatureUnion):
        return [transformer for _, transformer in estimator.transformer_list]
    return nested_estimators(estimator)


def leaves_of_input(estimator: Any) -> Iterator[Any]:
    """Yield the parts without parts that get an estimator's input, or what a function makes of it."""
    parts = steps_of(estimator) if isinstance(estimator, Pipeline) else input_parts(estimator)
    if not parts:
        yield estimator
    for part in parts:
        yield from leaves_of_input(part)
        if isinstance(estimator, Pipeline) and class_name(part) != "FunctionTransformer":
            return


def nested_estimators(estimator: Any) -> list[Any]:
    """Return the fitted estimators to which a meta-estimator passes its input; empty for other estimators."""
    own = getattr(estimator, "__dict__", {})
    nested: Any = next((own[name] for name in _NESTED_ESTIMATORS if name in own), [])
    return nested if isinstance(nested, list) else [nested]


def compute_alone(estimator: Any) -> None:
    """Let an estimator and all of its parts predict with one thread, whatever `n_jobs` was in the training.

    joblib has only one thread in a server. LightGBM and XGBoost do not use joblib, and start a thread for
    each core if `n_jobs` is None.
    """
    for part in objects_in(estimator):
        if vars(part).get("n_jobs", 1) == 1:
            continue
        part.n_jobs = 1
        # The attribute alone does not reach XGBoost's booster, nor LightGBM's copy of the parameter. For
        # scikit-learn it does, and its estimators of another release may lack what get_params reads.
        if not class_name(part) and hasattr(part, "get_params") and "n_jobs" in part.get_params(deep=False):
            part.set_params(n_jobs=1)


_NOT_FOLLOWED = (type, ModuleType, FunctionType)


def last_of(estimator: Any) -> Any:
    """Return the estimator whose answers these are: the last of a pipeline, the best of a search."""
    estimator = best_of(estimator)
    return last_of(estimator.steps[-1][1]) if isinstance(estimator, Pipeline) else estimator


def best_of(estimator: Any) -> Any:
    """Return the fitted estimator of a search, or the estimator itself if it is not a search."""
    return getattr(estimator, "best_estimator_", estimator)


def objects_in(root: Any) -> Iterator[Any]:
    """Yield every object that has attributes, at any depth of attributes and containers."""
    visited, queue = set(), [root]
    while queue:
        value = queue.pop()
        if id(value) in visited:
            continue
        visited.add(id(value))
        if isinstance(value, dict):
            queue.extend(value.values())
        elif isinstance(value, list | tuple | set | frozenset):
            queue.extend(value)
        elif isinstance(value, np.ndarray):
            queue.extend(value.flat if value.dtype == object else ())
        elif hasattr(value, "__dict__") and not isinstance(value, _NOT_FOLLOWED):
            yield value
            queue.extend(vars(value).values())
