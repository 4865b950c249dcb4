"""The component of the package: in the state, with what the next update has to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from bluegrid_components.checks.stack_outputs import UpdateOutputs, names_of, resources_of_state

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE = "bluegrid"
TOKEN = f"{PACKAGE}:index:ModelServices"

_STACK = "pulumi:pulumi:Stack"


class RegionComponent(pulumi.ComponentResource):
    """What a program in another language declares; the resources of the services are not its children.

    A parent's type is part of each URN. Without a parent, the resources of a stack have the same URNs in
    every language, and the command's switches, previews and rollouts find them.
    """

    def __init__(self, name: str, outputs: Mapping[str, object], opts: pulumi.ResourceOptions) -> None:
        super().__init__(TOKEN, name, None, opts)
        self.register_outputs(dict(outputs))


class ComponentOutputs(UpdateOutputs):
    """The outputs of the package's component: a plugin cannot export outputs of the stack."""

    def __init__(self) -> None:
        # Of all resources, as the engine offers no others.
        self._resources = resources_of_state()
        self._last = _last(self._resources)
        self.next: dict[str, Any] = dict(self._last)
        """The outputs to register: those of the last update, unless this update puts others."""

    def get(self, key: str) -> Any:
        """Return an output of the last update; None if there is none."""
        return self._last.get(key)

    def made(self, type_: str) -> frozenset[str]:
        """Return the names of the resources of a type in the state, from before this update."""
        return names_of(type_, self._resources)

    def put(self, key: str, value: Any) -> None:
        """Set an output for the next update."""
        self.next[key] = value


def _last(resources: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs of the component."""
    outputs = {resource["type"]: resource.get("outputs") or {} for resource in resources.values()}
    # A stack that had a program in Python before keeps there what its next update has to know.
    return dict(outputs.get(TOKEN) or outputs.get(_STACK) or {})
