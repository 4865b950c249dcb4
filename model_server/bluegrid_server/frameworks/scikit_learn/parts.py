"""The parts of a scikit-learn estimator: pipelines are unwrapped here, for all that look into one."""

from __future__ import annotations

from functools import cache
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.pipeline import FeatureUnion, Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_OF_META_ESTIMATORS = (
    "best_estimator_",
    "regressor_",
    "estimator_",
    "estimator",
    "estimators_",
    "calibrated_classifiers_",
)
"""Where meta-estimators of scikit-learn have the estimators that they pass their input to."""


def attribute_of_input(estimator: Any, name: str) -> Any:
    """Return what an estimator knows of its input, such as `n_features_in_`; None where nothing in it does.

    scikit-learn itself asks the first step of a pipeline and the first part of a union alone, which may be
    `passthrough` or `drop`.
    """
    value = getattr(estimator, name, None)
    if value is not None:
        return value
    found = (attribute_of_input(each, name) for each in _takers(estimator))
    return next((each for each in found if each is not None), None)


def steps_of(pipeline: Any) -> list[Any]:
    """Return the steps of a pipeline that do something."""
    return [step for _, step in pipeline.steps if not _passes_through(step)]


def scaler_and_last(estimator: Any) -> tuple[Any, Any]:
    """Return the StandardScaler of a pipeline, if nothing else precedes its last step, and the last step.

    Return None and the estimator itself where it is no such pipeline.
    """
    if class_name(estimator) != "Pipeline":
        return None, estimator
    steps = steps_of(estimator)
    if len(steps) == 2 and class_name(steps[0]) == "StandardScaler":
        return steps[0], steps[1]
    return None, steps[0] if len(steps) == 1 else estimator


def class_name(estimator: Any) -> str:
    """Return the name of an estimator's class in scikit-learn; empty for another class.

    A subclass from elsewhere may predict otherwise.
    """
    kind = type(estimator)
    return kind.__name__ if kind.__module__.startswith("sklearn.") else ""


@cache
def spread_rows(count: int, features: int) -> NDArray[np.float64]:
    """Return points near and far from 0, (count, features), on which a model is compared with its estimator.

    Making them takes as long as an estimator's answer.
    """
    spread = np.geomspace(1e-3, 1e6, count)[:, np.newaxis]
    return spread * np.random.default_rng(0).normal(size=(count, features))


def _passes_through(step: Any) -> bool:
    if isinstance(step, Pipeline):
        return not steps_of(step)
    return step is None or (isinstance(step, str) and step == "passthrough")


def _takers(estimator: Any) -> list[Any]:
    """Return the estimators within one that get its input as it is."""
    if isinstance(estimator, Pipeline):
        return steps_of(estimator)[:1]
    if isinstance(estimator, FeatureUnion):
        return [transformer for _, transformer in estimator.transformer_list]
    own = getattr(estimator, "__dict__", {})
    found = [own[name] for name in _OF_META_ESTIMATORS if name in own]
    return [each for some in found for each in (some if isinstance(some, list) else [some])]


def compute_alone(estimator: Any) -> None:
    """Let an estimator, and all that it is made of, predict with one thread, however many its training had.

    joblib has no others in a server. LightGBM and XGBoost do without joblib, and take one for each core where
    `n_jobs` is None.
    """
    for part in _objects_in(estimator):
        if vars(part).get("n_jobs", 1) == 1:
            continue
        part.n_jobs = 1
        # The attribute alone does not reach XGBoost's booster, nor what LightGBM has kept beside it.
        if hasattr(part, "get_params") and "n_jobs" in part.get_params(deep=False):
            part.set_params(n_jobs=1)


_NOT_FOLLOWED = (type, ModuleType, FunctionType)


def _objects_in(root: Any) -> Iterator[Any]:
    """Find every object that has attributes, at any depth of attributes and containers."""
    found, left = set(), [root]
    while left:
        each = left.pop()
        if id(each) in found:
            continue
        found.add(id(each))
        if isinstance(each, dict):
            left.extend(each.values())
        elif isinstance(each, list | tuple | set | frozenset):
            left.extend(each)
        elif isinstance(each, np.ndarray):
            left.extend(each.flat if each.dtype == object else ())
        elif hasattr(each, "__dict__") and not isinstance(each, _NOT_FOLLOWED):
            yield each
            left.extend(vars(each).values())
