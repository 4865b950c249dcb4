"""Edits of single values of a row, each by the path of its keys: `autoscaling.max=4`, `replicas-`."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bluegrid_registry.errors import ConfigError, RegistryError
from bluegrid_registry.registry_files.schema_keys import file_schema
from bluegrid_registry.registry_files.yaml_source import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bluegrid_registry.registry_files.schema_keys import SchemaNode

CLUSTER = ("service", "clusters")
SERVICE = ("service",)
SET = ("set",)

_IN_BRACKETS = ("[", "{")


@dataclass(frozen=True)
class ValueEdit:
    """The new value of a key.

    Attributes:
        path: the keys that lead to the value, such as ("autoscaling", "max").
        value: plain data; None: the key is removed.
    """

    path: tuple[str, ...]
    value: Any

    @property
    def key(self) -> str:
        """The path as text, such as `autoscaling.max`."""
        return ".".join(self.path)


def parse_edits(row: Sequence[str], texts: Iterable[str]) -> list[ValueEdit]:
    """Return the edits of a row that texts describe: `KEY=VALUE`, or `KEY-` to remove a key.

    A list is `a,b` or `[a, b]`, a mapping `{key: value}`; a text is taken as it is, without quotes.

    Args:
        row: the place of the row in a file: `CLUSTER`, `SERVICE` or `SET`.
        texts: such as `autoscaling.max=4`.

    Raises:
        ConfigError: a text is neither form, names no key of the row, or names a key twice.
    """
    edits = [_parsed(row, text) for text in texts]
    for index, edit in enumerate(edits):
        for other in edits[:index]:
            shorter = min(len(edit.path), len(other.path))
            if edit.path[:shorter] == other.path[:shorter]:
                raise ConfigError(f"{other.key} and {edit.key} change the same value; name it once")
    return edits


def settable_keys(row: Sequence[str]) -> list[str]:
    """Return the keys of a row as an edit names them; `NAME` stands for a name that people choose."""
    return [".".join(path) for path in _schema(row).paths()]


def edited(data: Mapping[str, Any], edits: Iterable[ValueEdit]) -> dict[str, Any]:
    """Return a copy of a row's plain data with the edits; a mapping that becomes empty is removed too."""
    copy = deepcopy(dict(data))
    for edit in edits:
        _edit(copy, edit.path, edit.value)
    return copy


def value_at(data: Mapping[str, Any], path: Sequence[str]) -> Any:
    """Return the value of a key in a row's plain data; None: the row does not have it."""
    found: Any = data
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _schema(row: Sequence[str]) -> SchemaNode:
    node = file_schema().at(*row)
    assert node is not None  # noqa: S101 - the rows are constants
    return node


def _parsed(row: Sequence[str], text: str) -> ValueEdit:
    key, equals, value = text.partition("=")
    is_removal = not equals and text.endswith("-")
    if not key or not (equals or is_removal):
        raise ConfigError(f"{text!r} is not an edit; write KEY=VALUE, or KEY- to remove the key")
    path = tuple((text.removesuffix("-") if is_removal else key).split("."))
    node = _schema(row).at(*path)
    if node is None:
        raise ConfigError(_unknown(row, path))
    return ValueEdit(path, None if is_removal else _value(node, text, value))


def _unknown(row: Sequence[str], path: tuple[str, ...]) -> str:
    """Return the error for a path: it names the keys at the place where the path leaves the schema."""
    known: SchemaNode | None = None
    depth = len(path)
    while known is None:
        depth -= 1
        known = _schema(row).at(*path[:depth])
    inside = f"{'.'.join(path[:depth])} has no key {path[depth]}" if depth else f"there is no key {path[0]}"
    return f"{inside}; known: {', '.join(known.keys) or 'none, it is a plain value'}"


def _value(node: SchemaNode, text: str, value: str) -> Any:
    """Return the value in the type that the schema expects; the schema itself checks it later."""
    types = node.types
    if value.startswith(_IN_BRACKETS) and types & {"array", "object"}:
        return _yaml(text, value)
    if "array" in types:
        return value.split(",") if value else []
    if types & {"string", "object"} and not types & {"integer", "boolean"}:
        return value
    data = _yaml(text, value)
    # Of anything else, such as a time, the schema says best what it expects.
    is_quoted = value.startswith(("'", '"'))
    return data if is_quoted or isinstance(data, bool | int | float) else value


def _yaml(text: str, value: str) -> Any:
    source = read_yaml(value)
    if source.mistakes:
        reason = source.mistakes[0].text.removeprefix("not valid YAML: ")
        raise ConfigError(f"{text!r}: the value is not valid YAML: {reason}")
    return source.data


def _edit(data: dict[str, Any], path: Sequence[str], value: Any) -> None:
    first, *rest = path
    if not rest:
        data.pop(first, None)
        if value is not None:
            data[first] = value
        return
    inner = data.setdefault(first, {})
    if not isinstance(inner, dict):
        raise RegistryError(f"{first} is {json.dumps(inner)}, which has no keys; set {first} as a whole")
    _edit(inner, rest, value)
    if not inner:
        del data[first]
