"""What a scikit-learn estimator takes, by the one of its parts that its input meets first."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import FeatureUnion, Pipeline

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
