"""Names of categories in XGBoost's models: models since 3.1 that were trained on tables have them.

https://github.com/dmlc/xgboost/blob/master/src/data/cat_container.cc writes them.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import xgboost

    from bluegrid_server.frameworks.features import Category


def categories_of(booster: xgboost.Booster) -> dict[str, Sequence[Category]]:
    """Return the categories of each feature that has any, in the order of their codes; empty: no names.

    XGBoost 3.2 damages strings of a pandas table that are not ASCII (`pd_cat_inf` counts characters instead
    of bytes): the model then knows categories by their codes only.
    """
    names = booster.feature_names
    if names is None or "c" not in (booster.feature_types or ()):
        return {}
    trees = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    # `dart` keeps its trees, with the categories, one level deeper.
    written = trees.get("gbtree", trees)["model"].get("cats", {}).get("enc", [])
    try:
        found = {name: _categories(each) for name, each in zip(names, written, strict=False)}
    except UnicodeDecodeError:
        return {}
    return {name: values for name, values in found.items() if values}


def _categories(written: Mapping[str, Any]) -> list[Category]:
    values: list[Category] = written["values"]
    offsets = written.get("offsets")
    if offsets is None:
        return values
    # Bytes are written as signed numbers.
    text = np.array(values, dtype=np.int8).tobytes()
    return [text[start:end].decode() for start, end in pairwise(offsets)]
