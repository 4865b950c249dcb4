"""What a stack's last update left in its outputs, for the one that comes after it.

The engine reads them out of the state, and makes no resource for that: a preview shows nothing of it.
"""

from __future__ import annotations

import time
from typing import Any

import pulumi
from pulumi.runtime.stack import Stack

_FUNCTION = "pulumi:pulumi:readStackOutputs"
_TRIES = 5
_PAUSE_SECONDS = 0.2


class StackOutputs:
    """The outputs of the stack that this program runs for: as they are, until something else is put there.

    A program that is refused has its outputs written as well. So all that was there is declared at once, but
    for what this program has declared already.
    """

    def __init__(self) -> None:
        self._last = _read()
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


def _read() -> dict[str, Any]:
    """Read the stack's outputs out of its state, which this very update may be writing.

    A state in a folder has a file with its checksum beside it, which the engine writes in place. A read in
    the middle of that gets "failed to load checkpoint: EOF" (findings/pulumi-reads-its-own-outputs.sh).
    """
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    for left in reversed(range(_TRIES)):
        try:
            found = pulumi.runtime.invoke(_FUNCTION, {"name": name}).value or {}
        except Exception:
            # Pulumi raises nothing narrower for what the engine could not do.
            if not left:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            break
    return dict(found.get("outputs") or {})
