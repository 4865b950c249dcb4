"""The schema of a skops file: a tree of nodes that say how skops builds an object.

Only nodes of plain values, arrays and objects with attributes are known. A node may stand for an object that
was built before, by its number; skops then takes the first, so that both must be equal here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from bluegrid_server.frameworks.not_data import NotDataError, check
from bluegrid_server.frameworks.scikit_learn.data.described import TREE, Array, Described, ObjectArray
from bluegrid_server.frameworks.scikit_learn.data.recipes import CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable

_PROTOCOL = 2
"""Version of the schema that skops 0.11 and later write."""
_NODE = {"__class__", "__module__", "__loader__", "__id__"}
_KEYS = {
    "JsonNode": _NODE | {"content", "is_json"},
    "ListNode": _NODE | {"content"},
    "TupleNode": _NODE | {"content"},
    "DictNode": _NODE | {"content", "key_types"},
    "ObjectNode": _NODE | {"content"},
    "TypeNode": _NODE,
    "TreeNode": _NODE | {"content", "__reduce__"},
}
_ARRAY_KEYS = {"numpy": _NODE | {"type", "file"}, "json": _NODE | {"type", "content", "shape"}}
_CLASSES = {
    "JsonNode": "builtins.str",
    "ListNode": "builtins.list",
    "TupleNode": "builtins.tuple",
    "DictNode": "builtins.dict",
}
_SCALARS = frozenset({"numpy.float64", "numpy.int64", "numpy.bool_", "numpy.bool"})
_MAX_DEPTH = 32
"""Maximum number of nodes within each other; the array of a tree of a forest in a pipeline is at 12."""


class Nodes:
    """Reads the nodes of one schema.

    Attributes:
        kinds: the classes of all objects.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.kinds: set[str] = set()
        self._built: dict[int, tuple[Any, Any]] = {}
        self._depth = 0

    @property
    def files(self) -> list[str]:
        """Names of the files with arrays, in the order in which they appear."""
        return [*self._numbers]

    def root(self, schema: bytes) -> Any:
        """Return the object that a schema describes.

        Raises:
            NotDataError: the schema has a node that is not known in all of its details.
            KeyError, TypeError, ValueError, RecursionError: it is damaged.
        """
        node = orjson.loads(schema)
        check(node.pop("protocol", None) == _PROTOCOL, "another version of the schema")
        check(isinstance(node.pop("_skops_version", None), str), "a version that is no text")
        return self._value(node)

    def _value(self, node: dict[str, Any]) -> Any:
        number = node["__id__"]
        check(type(number) is int, "an object without a number")
        self._depth += 1
        # Each level may be compared with one that was read before, with all that is within it.
        check(self._depth <= _MAX_DEPTH, "nodes within each other")
        if number in self._built:
            before, value = self._built[number]
            # An object that is written twice has attributes in a dict that was made twice.
            check(before == node or value == self._built_of(node), "two objects of one number")
        else:
            value = self._built_of(node)
            self._built[number] = node, value
        self._depth -= 1
        return value

    def _built_of(self, node: dict[str, Any]) -> Any:
        loader = node["__loader__"]
        if (keys := _KEYS.get(loader)) is not None:
            check(node.keys() == keys, f"a {loader} with other keys")
        if (name := _CLASSES.get(loader)) is not None:
            check(_class(node) == name, f"a {loader} of another class")
        check(loader in _READERS, f"a {loader}")
        # Not bound methods in an attribute: such a cycle stays, since models are read without collections.
        return _READERS[loader](self, node)

    def _plain(self, node: dict[str, Any]) -> Any:
        check(node["is_json"] is True, "a value that is not JSON")
        value = orjson.loads(node["content"])
        check(value is None or isinstance(value, bool | int | float | str), "a value that is not plain")
        return value

    def _list(self, node: dict[str, Any]) -> list[Any]:
        return [self._value(item) for item in node["content"]]

    def _tuple(self, node: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(self._value(item) for item in node["content"])

    def _dict(self, node: dict[str, Any]) -> dict[str, Any]:
        content, types = node["content"], node["key_types"]
        check(types["__loader__"] == "ListNode" and types["__class__"] == "list", "keys without types")
        keys = types["content"]
        check(len(keys) == len(content) and all(map(_is_text, _distinct(keys))), "keys that are not text")
        return {key: self._value(item) for key, item in content.items()}

    def _object(self, node: dict[str, Any]) -> Described:
        kind = _class(node)
        # Before its attributes, which may be many.
        check(kind in CLASSES, f"an object of {kind}")
        self.kinds.add(kind)
        attributes = self._value(node["content"])
        check(isinstance(attributes, dict), "an object without attributes")
        return Described(kind, attributes)

    def _tree(self, node: dict[str, Any]) -> Described:
        check(_class(node) == TREE and node["__reduce__"].keys() == {"args"}, "a tree of another class")
        self.kinds.add(TREE)
        return Described(TREE, self._value(node["content"]), self._value(node["__reduce__"]["args"]))

    def _array(self, node: dict[str, Any]) -> Array | ObjectArray:
        kind, form = _class(node), node["type"]
        check(node.keys() == _ARRAY_KEYS[form], "an array with other keys")
        check(kind == "numpy.ndarray" or (form == "numpy" and kind in _SCALARS), "an array of another class")
        if form == "json":
            items = self._list(node)
            check(self._value(node["shape"]) == (len(items),), "objects in several dimensions")
            return ObjectArray(tuple(items))
        number = self._numbers.setdefault(node["file"], len(self._numbers))
        return Array(number, None if kind == "numpy.ndarray" else kind)


def _distinct(keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the first of equal neighbours: mostly all keys are equal."""
    return [key for place, key in enumerate(keys) if not place or key != keys[place - 1]]


def _is_text(key: dict[str, Any]) -> bool:
    return bool(key["__loader__"] == "TypeNode" and key.keys() == _NODE and _class(key) == "builtins.str")


def _class(node: dict[str, Any]) -> str:
    module, name = node["__module__"], node["__class__"]
    if not (isinstance(module, str) and isinstance(name, str)):
        raise NotDataError("a class without a name")
    return f"{module}.{name}"


_READERS: dict[str, Callable[[Nodes, dict[str, Any]], Any]] = {
    "JsonNode": Nodes._plain,
    "ListNode": Nodes._list,
    "TupleNode": Nodes._tuple,
    "DictNode": Nodes._dict,
    "ObjectNode": Nodes._object,
    "NdArrayNode": Nodes._array,
    "TreeNode": Nodes._tree,
}
"""By loader of skops, the method that reads its nodes."""
