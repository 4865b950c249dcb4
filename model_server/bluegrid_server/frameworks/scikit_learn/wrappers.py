"""Wrappers of boosters as parts of scikit-learn's estimators: what they know of their columns.

A wrapper of LightGBM or XGBoost that was trained on columns of pandas' category type needs such columns.
CatBoost takes any category, and has other names for scikit-learn's attributes of the input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.frameworks.lightgbm import categories as of_lightgbm
from bluegrid_server.frameworks.xgboost import categories as of_xgboost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bluegrid_server.frameworks.features import Category


def package_of(part: Any) -> str:
    """Return the package of a part's class."""
    return type(part).__module__.partition(".")[0]


def categories_of(part: Any) -> dict[int, Sequence[Category]]:
    """Return by place the categories of the columns of pandas' category type that a part was trained on."""
    package = package_of(part)
    if package == "lightgbm" and hasattr(part, "booster_"):
        names, categories = part.booster_.feature_name(), of_lightgbm.categories_of(part.booster_)
    elif package == "xgboost" and hasattr(part, "get_booster"):
        booster = part.get_booster()
        names, categories = booster.feature_names or (), of_xgboost.categories_of(booster)
    else:
        return {}
    return {place: categories[name] for place, name in enumerate(names) if name in categories}


def words_of(part: Any) -> set[int]:
    """Return the places of the columns in which CatBoost takes any words: categories and texts."""
    if package_of(part) != "catboost":
        return set()
    return {*part.get_cat_feature_indices(), *part.get_text_feature_indices()}


def attribute_of_catboost(part: Any, name: str) -> Any:
    """Return an attribute of the input as scikit-learn has it; None if the part has none of that name."""
    names = getattr(part, "feature_names_", None)
    if not names:
        return None
    if name == "n_features_in_":
        # CatBoost's own attribute is 0 in a model that was pickled.
        return len(names)
    # CatBoost numbers columns without names.
    is_named = name == "feature_names_in_" and names != [*map(str, range(len(names)))]
    return np.array(names, dtype=object) if is_named else None
