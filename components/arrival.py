"""Proof, after a route was written, that the proxy follows it.

One hook serves all routes of a program. Hooks of the routes' own would each be a request to the engine, and a
server: the SDK starts one for every hook that is made before the first of them runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

if TYPE_CHECKING:
    from components.gate import Gate

_HOOK = "bluegrid-arrived"


class Arrival:
    """Waits, for the whole of a stack, until the proxy follows each route that changes; one in a program."""

    def __init__(self) -> None:
        self._gates: dict[str, tuple[Gate, pulumi.Input[str] | None]] = {}
        self.hook = pulumi.ResourceHook(_HOOK, self._prove)

    def expect(self, route: str, gate: Gate, host: pulumi.Input[str] | None) -> None:
        """Take what has to be seen, under which host name, once the route of this name was written."""
        self._gates[route] = gate, host

    async def _prove(self, args: pulumi.ResourceHookArgs) -> None:
        gate, host = self._gates[args.name]
        await gate.wait(await pulumi.Output.from_input(host).future())
