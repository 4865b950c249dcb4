"""skops files: the types and functions that they name, read without skops.

Whether a file is loaded, skops decides, by the same list; that it is told at the push saves a rollout.
"""

from __future__ import annotations

import json
import re
from typing import Any

from model_registry.errors import FormatError
from model_registry.model_types.looks import member

_PAIR = re.compile(rb'"__class__": "([^"\\]*)",\s*"__module__": "([^"\\]*)"')


def types_of(data: bytes) -> frozenset[str]:
    """Return what a skops file names, such as `sklearn.pipeline.Pipeline`; FormatError: unreadable."""
    schema = member(data, b"schema.json")
    pairs = _PAIR.findall(schema)
    # As skops writes it, each name stands there literally. Where one might not, it takes a parser, twice as
    # long. Only \u could hide a key; a method's name is told by other keys.
    is_plain = b"\\u" not in schema and b'"MethodNode"' not in schema
    found: set[str] = set()
    try:
        if is_plain and schema.count(b'"__class__"') == schema.count(b'"__module__"') == len(pairs) > 0:
            return frozenset(f"{module.decode()}.{name.decode()}" for name, module in set(pairs))
        _collect(json.loads(schema), found)
    except (ValueError, AttributeError, RecursionError) as error:
        raise FormatError(f"has a damaged schema.json: {error}") from None
    return frozenset(found)


def _collect(node: Any, found: set[str]) -> None:
    if isinstance(node, list):
        for item in node:
            _collect(item, found)
    if not isinstance(node, dict):
        return
    if "__class__" in node:
        found.add(f"{node.get('__module__')}.{node['__class__']}")
    if node.get("__loader__") == "MethodNode":
        content = node.get("content", {})
        owner = content.get("obj", {})
        found.add(f"{owner.get('__module__')}.{owner.get('__class__')}.{content.get('func')}")
    for value in node.values():
        _collect(value, found)
