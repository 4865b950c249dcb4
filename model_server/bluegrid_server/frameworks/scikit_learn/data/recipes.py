"""Recipes: where the numbers of a described model are among the arrays of its file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bluegrid_server.frameworks.scikit_learn.data import linear, trees
from bluegrid_server.frameworks.scikit_learn.data.pipeline import CLASSES_OF_PIPELINES

if TYPE_CHECKING:
    from bluegrid_server.frameworks.scikit_learn.data.linear import LinearRecipe
    from bluegrid_server.frameworks.scikit_learn.data.trees import TreesRecipe

CLASSES = frozenset({*CLASSES_OF_PIPELINES, *linear.CLASSES, *trees.CLASSES})
"""Classes of objects that are read; everything else is refused where a file first names it."""


def recipe_of(root: Any) -> LinearRecipe | TreesRecipe:
    """Return the recipe of a described object; raise NotDataError if it is no model that is read as data."""
    return trees.recipe_of(root) if trees.is_of_trees(root) else linear.recipe_of(root)
