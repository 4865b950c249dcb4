"""Described pipelines: a StandardScaler or nothing, and the last step."""

from __future__ import annotations

from typing import Any

from bluegrid_server.frameworks.not_data import check
from bluegrid_server.frameworks.scikit_learn.data.described import VERSION, Array, Described, ObjectArray

_PIPELINE = "sklearn.pipeline.Pipeline"
_SCALER = "sklearn.preprocessing._data.StandardScaler"
CLASSES_OF_PIPELINES = {_PIPELINE, _SCALER}
"""Classes that are read here."""
INPUT = {"n_features_in_", "feature_names_in_", VERSION}
"""Attributes about the input of an estimator, and its release."""
_IDLE_OF_SCALER = {"var_", "n_samples_seen_"}


def steps_of_root(root: Any) -> tuple[Described | None, Described]:
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
    steps = root["steps"]
    check(isinstance(steps, list) and 1 <= len(steps) <= 2, "other steps")
    for step in steps:
        check(isinstance(step, tuple) and len(step) == 2 and isinstance(step[0], str), "another step")
        check(isinstance(step[1], Described), "a step that is no estimator")
    scaler, last = (None, steps[0][1]) if len(steps) == 1 else (steps[0][1], steps[1][1])
    check(scaler is None or (scaler.kind == _SCALER and steps[0][0] != steps[1][0]), "another first step")
    return scaler, last


def scaling_of(scaler: Described | None, features: int) -> tuple[int | None, int | None]:
    """Return the numbers of the arrays with mean and scale; None: there is none."""
    if scaler is None:
        return None, None
    check_attributes(scaler, _IDLE_OF_SCALER, {"with_mean", "with_std", "copy", "mean_", "scale_", *INPUT})
    check(type(scaler["n_features_in_"]) is int and scaler["n_features_in_"] == features, "features")
    # Without a copy, rows are changed in place.
    check(scaler["copy"] is True, "a scaler in place")
    numbers: list[int | None] = []
    for setting, name in (("with_mean", "mean_"), ("with_std", "scale_")):
        check(type(scaler[setting]) is bool, "another setting")
        array = scaler[name] if scaler[setting] else None
        check(not scaler[setting] or (isinstance(array, Array) and array.scalar is None), "no array")
        numbers.append(None if array is None else array.number)
    return numbers[0], numbers[1]


def check_attributes(part: Described, idle: set[str], own: set[str]) -> None:
    """Raise NotDataError if a part has other attributes, or an object in an idle one.

    Args:
        part: of a model.
        idle: attributes that matter in the training only.
        own: attributes that are read.
    """
    for name, value in part.attributes.items():
        check(name in own or name in idle, f"an attribute {name}")
        check(name in own or not isinstance(value, Described | ObjectArray), f"an object in {name}")


def columns_of(part: Described, features: int) -> tuple[str, ...]:
    """Return the names of the features of the first step; empty if it was trained without names."""
    names = part.attributes.get("feature_names_in_")
    if names is None:
        check("feature_names_in_" not in part.attributes, "names that are none")
        return ()
    check(isinstance(names, ObjectArray) and len(names.items) == features, "other names")
    check(all(type(name) is str for name in names.items), "names that are not text")
    return tuple(names.items)


def releases_of(*parts: Described | None) -> frozenset[str]:
    """Return the releases of scikit-learn that wrote these parts."""
    return frozenset(_release(part) for part in parts if part is not None)


def _release(part: Described) -> str:
    release = part[VERSION]
    check(type(release) is str, "another release")
    return str(release)
