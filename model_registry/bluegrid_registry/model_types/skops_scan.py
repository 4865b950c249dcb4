"""skops files: finds the types and functions that they name, without skops.

skops checks the same names when a pod loads the file; a refusal at the push avoids a failed rollout.
"""

from __future__ import annotations

import json
from typing import Any

from bluegrid_registry.errors import FormatError
from bluegrid_registry.model_types.sniff import member


def types_of(data: bytes) -> frozenset[str]:
    """Return the names in a skops file, such as `sklearn.pipeline.Pipeline`; FormatError: unreadable."""
    found: set[str] = set()

    def collect(node: dict[str, Any]) -> dict[str, Any]:
        if "__class__" in node:
            found.add(f"{node.get('__module__')}.{node['__class__']}")
        if node.get("__loader__") == "MethodNode":
            content = node.get("content", {})
            owner = content.get("obj", {})
            found.add(f"{owner.get('__module__')}.{owner.get('__class__')}.{content.get('func')}")
        return node

    try:
        json.loads(member(data, b"schema.json"), object_hook=collect)
    except (ValueError, AttributeError, RecursionError) as error:
        raise FormatError(f"has a damaged schema.json: {error}") from None
    return frozenset(found)
