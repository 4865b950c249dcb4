"""Outputs of the stack's last update, for the next update.

The engine returns the outputs without a resource, so previews show nothing of the read.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_STATE = "pulumi:pulumi:readStackOutputs"
_OF_MEMORY = "pulumi:pulumi:getResource"
"""Function of the engine by which SDKs look up references to resources:
https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/builtins.go"""
_RESOURCES = "pulumi:pulumi:readStackResourceOutputs"
_TRIES = 5
_PAUSE_SECONDS = 0.2


class UpdateOutputs(ABC):
    """What an update leaves in the state for the next one; each output keeps its value until `put`."""

    @abstractmethod
    def get(self, key: str) -> Any:
        """Return an output of the last update; None if there is none."""

    @abstractmethod
    def made(self, type_: str) -> frozenset[str]:
        """Return the names of the resources of a type in the state, from before this update."""

    @abstractmethod
    def put(self, key: str, value: Any) -> None:
        """Set an output for the next update, whether this update succeeds or fails."""


class StackOutputs(UpdateOutputs):
    """The outputs of this program's stack.

    Pulumi also writes the outputs of a program that is refused. So the constructor exports all outputs of the
    last update, except those that this program has exported already.
    """

    def __init__(self) -> None:
        root = pulumi.runtime.get_root_resource()
        self._last = _in_memory(root) or _in_state()
        declared = root.outputs if isinstance(root, Stack) else {}
        for key, value in self._last.items():
            if key not in declared:
                pulumi.export(key, value)

    def get(self, key: str) -> Any:
        """Return an output of the last update; None if there is none."""
        return self._last.get(key)

    def made(self, type_: str) -> frozenset[str]:
        """Return the names of the resources of a type in the state, from before this update."""
        return names_of(type_, self._resources)

    @cached_property
    def _resources(self) -> Mapping[str, Any]:
        """All resources of the state by URN; with hundreds of services, loading them takes seconds."""
        return resources_of_state()

    def put(self, key: str, value: Any) -> None:
        """Set an output for the next update, whether this update succeeds or fails."""
        pulumi.export(key, value)


def _in_memory(root: pulumi.Resource | None) -> dict[str, Any]:
    """Return the outputs of the stack's own resource that the engine has in memory; empty: not known.

    The resource keeps the outputs of the last update until this program ends and registers others. So the
    state, of tens of megabytes in a large stack, is not loaded a second time.
    """
    if root is None:
        return {}
    # The engine fails if the resource is not part of this operation.
    with suppress(Exception):
        # The SDK waits for the URN, and so for the registration of the resource.
        found = pulumi.runtime.invoke(_OF_MEMORY, {"urn": root.urn}).value or {}
        return dict(found.get("state") or {})
    return {}


def _in_state() -> dict[str, Any]:
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    return dict(invoke_of_state(_OF_STATE, {"name": name}).get("outputs") or {})


def resources_of_state() -> Mapping[str, Any]:
    """Return type and outputs of all resources in the state of this program's stack, by URN."""
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    found: Mapping[str, Any] = invoke_of_state(_RESOURCES, {"stackName": stack}).get("outputs") or {}
    return found


def names_of(type_: str, resources: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the resources of a type."""
    return frozenset(urn.rpartition("::")[2] for urn, each in resources.items() if each["type"] == type_)


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
