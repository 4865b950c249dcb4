"""The estimators that a model was composed of: those that its author named, not those that fitting made.

The models of a set are compared by them. What pickling or fitting adds does not count: the column names of a
table, the optimizer of a network, the tree of neighbours, the classifiers within a classifier of three
classes. So only parameters are followed from one estimator to the next (scikit-learn ends the names of fitted
attributes with an underscore), through lists and dicts: the steps of a pipeline, the estimator of a search.
"""

from __future__ import annotations

import json
import sys
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from bluegrid_registry.errors import FormatError
from bluegrid_registry.model_types.pickle_scan import Inert, object_of
from bluegrid_registry.model_types.sniff import member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_VERSION = "_sklearn_version"
"""An attribute that scikit-learn adds to each of its estimators, and to nothing else."""
_WITHOUT_ESTIMATORS = frozenset(
    {"joblib", "numpy", "pandas", "polars", "pyarrow", "scipy", *sys.stdlib_module_names}
)
"""Packages whose objects are data of estimators, such as a list of columns."""
_FORESTS = "sklearn.ensemble._forest."
"""Forests have their kind of tree as an attribute, which is not a parameter."""


class _Object(NamedTuple):
    """An object of a class, with its attributes by name."""

    name: str
    attributes: Mapping[str, Any]


def of_pickle(data: bytes) -> tuple[str, ...]:
    """Return the classes of a pickle's estimators, the outermost first; FormatError: unreadable."""
    return _composed(object_of(data), _read_pickled)


def of_skops(data: bytes) -> tuple[str, ...]:
    """Return the classes of a skops file's estimators, the outermost first; FormatError: unreadable."""
    nodes: dict[Any, Any] = {}

    def collect(node: dict[str, Any]) -> dict[str, Any]:
        if node.get("__loader__") not in (None, "CachedNode"):
            nodes[node.get("__id__")] = node
        return node

    def read(node: Any) -> _Object | Iterable[Any]:
        # A node that stands for an object that the file holds elsewhere.
        if isinstance(node, dict) and node.get("__loader__") == "CachedNode":
            node = nodes.get(node.get("__id__"))
        return _read_node(node) if isinstance(node, dict) else ()

    try:
        return _composed(json.loads(member(data, b"schema.json"), object_hook=collect), read)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise FormatError(f"has a damaged schema.json: {error}") from None


def _composed(root: Any, read: Callable[[Any], _Object | Iterable[Any]]) -> tuple[str, ...]:
    """Walk from `root` to each estimator; `read` returns a value's object, or the values in a container."""
    found: dict[str, None] = {}
    waiting, known = deque([root]), set[int]()
    while waiting:
        value = waiting.popleft()
        # Every value is held by the root, so no two have one ID.
        if id(value) in known:
            continue
        known.add(id(value))
        inside = read(value)
        if not isinstance(inside, _Object):
            waiting += inside
        elif _is_estimator(inside):
            found[inside.name] = None
            if not inside.name.startswith(_FORESTS):
                waiting += _parameters(inside)
    return tuple(found)


def _is_estimator(value: _Object) -> bool:
    package = value.name.partition(".")[0]
    # scikit-learn also has kernels, splitters and losses, which are parameters as numbers are.
    return _VERSION in value.attributes if package == "sklearn" else package not in _WITHOUT_ESTIMATORS


def _parameters(estimator: _Object) -> Iterable[Any]:
    return [
        value
        for key, value in estimator.attributes.items()
        if isinstance(key, str) and not key.startswith("_") and not key.endswith("_")
    ]


def _read_pickled(value: Any) -> _Object | Iterable[Any]:
    if isinstance(value, Inert):
        return _Object(value.name, value.state if isinstance(value.state, dict) else {})
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple | set | frozenset) else ()


def _read_node(node: Mapping[str, Any]) -> _Object | Iterable[Any]:
    content = node.get("content")
    match node.get("__loader__"):
        case "ListNode" | "TupleNode" | "SetNode" if isinstance(content, list):
            return content
        case "DictNode" | "DefaultDictNode" if isinstance(content, dict):
            return content.values()
        case "ObjectNode":
            attributes = content.get("content") if isinstance(content, dict) else None
            name = f"{node.get('__module__')}.{node.get('__class__')}"
            return _Object(name, attributes if isinstance(attributes, dict) else {})
    return ()
