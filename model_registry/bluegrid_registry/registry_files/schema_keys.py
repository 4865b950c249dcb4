"""The keys of a registry file: which exist at a place, and which types their values have.

Read from the JSON schema, so that a new key of a class is known here without another line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from bluegrid_registry.registry_files.model_set_schema import RegistryFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ANY_NAME = "NAME"
"""Stands for a key that people choose, such as the name of a parameter."""

_REFERENCE = "#/$defs/"


@dataclass(frozen=True)
class SchemaNode:
    """The schema of a value.

    Attributes:
        variants: JSON schemas, one of which the value matches; without references and unions.
        definitions: what references of the inner values refer to.
    """

    variants: tuple[Mapping[str, Any], ...]
    definitions: Mapping[str, Any]

    @property
    def types(self) -> frozenset[str]:
        """The JSON types of the value, such as `string`; without `null`, which no file needs."""
        names = {variant.get("type", "string") for variant in self.variants}
        return frozenset(names - {"null"})

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a mapping, or of a list's items; `ANY_NAME` if people choose them."""
        return tuple(self._children())

    def at(self, *keys: str) -> SchemaNode | None:
        """Return the schema of an inner value; None: there is no such key."""
        if not keys:
            return self
        first, *rest = keys
        children = self._children()
        child = children.get(first, children.get(ANY_NAME))
        return None if child is None else _node(child, self.definitions).at(*rest)

    def paths(self) -> Iterator[tuple[str, ...]]:
        """Yield the path of each inner value, a mapping before its own keys; items of lists have no path."""
        for key, child in self._children().items():
            node = _node(child, self.definitions)
            yield (key,)
            if "array" not in node.types:
                yield from ((key, *path) for path in node.paths())

    def _children(self) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for variant in self.variants:
            found.update(variant.get("properties", {}))
            # Keys that people choose have a pattern, or any text.
            free = [*variant.get("patternProperties", {}).values(), variant.get("additionalProperties")]
            found.update((ANY_NAME, each) for each in free if isinstance(each, dict))
            if "items" in variant:
                found.update(_node(variant["items"], self.definitions)._children())
        return found


@cache
def file_schema() -> SchemaNode:
    """Return the schema of a registry file."""
    document = RegistryFile.model_json_schema()
    return _node(document, document["$defs"])


def _node(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> SchemaNode:
    return SchemaNode(tuple(_variants(schema, definitions)), definitions)


def _variants(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "$ref" in schema:
        yield from _variants(definitions[schema["$ref"].removeprefix(_REFERENCE)], definitions)
    elif inner := schema.get("anyOf") or schema.get("oneOf"):
        for each in inner:
            yield from _variants(each, definitions)
    else:
        yield schema
