"""Objects as a file describes them: classes by name, attributes, and arrays by number. Nothing is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bluegrid_server.frameworks.not_data import NotDataError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Array:
    """An array of numbers in a file.

    Attributes:
        number: position among the arrays of the file, in the order in which they appear.
        scalar: the class if the array is one number, such as `numpy.float64`; None: it is an array.
    """

    number: int
    scalar: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectArray:
    """An array of objects with one dimension."""

    items: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """An object of a class.

    Attributes:
        kind: module and name of the class.
        attributes: by name: numbers, strings, None, lists, tuples, dicts, arrays or `Described`.
        arguments: with which it is made; empty: it is made without them.
    """

    kind: str
    attributes: Mapping[str, Any]
    arguments: tuple[Any, ...] = ()

    def __getitem__(self, name: str) -> Any:
        """Return an attribute; raise NotDataError if there is none, as in an estimator that is not fitted."""
        try:
            return self.attributes[name]
        except KeyError:
            raise NotDataError(f"no attribute {name}") from None


TREE = "sklearn.tree._tree.Tree"
"""The class of the nodes of a tree, which only trusted sets may use."""
VERSION = "_sklearn_version"
"""Attribute with the release of scikit-learn that wrote an estimator."""
