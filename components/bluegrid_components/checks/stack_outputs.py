"""Outputs of the stack's last update, for the next update.

The engine reads the outputs from the state without a resource, so previews show nothing of the read.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Mapping

_FUNCTION = "pulumi:pulumi:readStackOutputs"
_TRIES = 5
_PAUSE_SECONDS = 0.2


class UpdateOutputs(ABC):
    """What an update leaves in the state for the next one; each output keeps its value until `put`."""

    @abstractmethod
    def get(self, key: str) -> Any:
        """Return an output of the last update; None if there is none."""

    @abstractmethod
    def put(self, key: str, value: Any) -> None:
        """Set an output for the next update, whether this update succeeds or fails."""


class StackOutputs(UpdateOutputs):
    """The outputs of this program's stack.

    Pulumi also writes the outputs of a program that is refused. So the constructor exports all outputs of the
    last update, except those that this program has exported already.
    """

    def __init__(self) -> None:
        name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
        self._last = dict(invoke_of_state(_FUNCTION, {"name": name}).get("outputs") or {})
        root = pulumi.runtime.get_root_resource()
        declared = root.outputs if isinstance(root, Stack) else {}
        for key, value in self._last.items():
            if key not in declared:
                pulumi.export(key, value)

    def get(self, key: str) -> Any:
        """Return an output of the last update; None if there is none."""
        return self._last.get(key)

    def put(self, key: str, value: Any) -> None:
        """Set an output for the next update, whether this update succeeds or fails."""
        pulumi.export(key, value)


def invoke_of_state(function: str, arguments: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the result of a function that reads a stack's state, which this update may be writing.

    A state in a folder has a checksum file beside it, which the engine writes in place. A read during that
    write gets "failed to load checkpoint: EOF" (findings/pulumi-reads-its-own-outputs.sh).
    """
    for left in reversed(range(_TRIES)):
        try:
            return pulumi.runtime.invoke(function, dict(arguments)).value or {}
        except Exception:
            # Pulumi raises no narrower exception for a failure in the engine.
            if not left:
                raise
            time.sleep(_PAUSE_SECONDS)
    raise AssertionError  # the last try raises
