"""Names of categories in LightGBM's models: files that were trained on pandas tables have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import lightgbm

    from bluegrid_server.frameworks.features import Category


def categories_of(booster: lightgbm.Booster) -> dict[str, Sequence[Category]]:
    """Return the categories of each feature that has any, in the order of their codes.

    Returns:
        Nothing if the file does not say which features the lists belong to: it has a list for each column of
        categories, ordered ones too, and names the categorical features, to which ordered ones do not belong.
    """
    lists = booster.pandas_categorical or []
    # A booster that was not read from a file, but is part of a wrapper, has the other name.
    places = booster.params.get("categorical_feature", booster.params.get("categorical_column", []))
    if len(places) != len(lists) or not all(_are_of_one_kind(values) for values in lists):
        return {}
    names = booster.feature_name()
    return {names[place]: values for place, values in zip(sorted(places), lists, strict=True)}


def _are_of_one_kind(values: Sequence[Category]) -> bool:
    return len({isinstance(value, str) for value in values}) <= 1
