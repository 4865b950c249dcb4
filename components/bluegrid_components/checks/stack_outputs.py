"""What a stack's last update left in its outputs, for the one that comes after it.

The engine reads them out of the state, and makes no resource for that: a preview shows nothing of it.
"""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.runtime.stack import Stack

_READ = "pulumi:pulumi:readStackOutputs"


class StackOutputs:
    """The outputs of the stack that this program runs for: as they are, until something else is put there.

    A program that is refused has its outputs written as well. So all that was there is declared at once, but
    for what this program has declared already.
    """

    def __init__(self) -> None:
        name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
        found = pulumi.runtime.invoke(_READ, {"name": name}).value or {}
        self._last: dict[str, Any] = dict(found.get("outputs") or {})
        root = pulumi.runtime.get_root_resource()
        declared = root.outputs if isinstance(root, Stack) else {}
        for key, value in self._last.items():
            if key not in declared:
                pulumi.export(key, value)

    def get(self, key: str) -> Any:
        """Return what the last update left; None: nothing."""
        return self._last.get(key)

    def put(self, key: str, value: Any) -> None:
        """Leave something to the next update, from now on and whatever this one comes to."""
        pulumi.export(key, value)
