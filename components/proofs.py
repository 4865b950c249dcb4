"""Proofs, when a route is written: before it that the cluster answers, after it that the proxy follows.

One hook serves all routes of a program. Hooks of the routes' own would each be a request to the engine, and a
server: the SDK starts one for every hook that is made before the first of them runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

if TYPE_CHECKING:
    from components.gate import Gate


class Proofs:
    """What has to be seen of each route of a stack at one moment of its update.

    Args:
        hook: name of the hook, which failures are told with.
    """

    def __init__(self, hook: str) -> None:
        self._gates: dict[str, tuple[Gate, pulumi.Input[str] | None]] = {}
        self.hook = pulumi.ResourceHook(hook, self._prove)

    def expect(
        self, route: str, gate: Gate | None, host: pulumi.Input[str] | None
    ) -> pulumi.ResourceHook | None:
        """Take what has to be seen, under which host name, for the route of this name.

        Returns:
            The hook that sees to it; None where nothing has to be seen.
        """
        if gate is None:
            return None
        self._gates[route] = gate, host
        return self.hook

    async def _prove(self, args: pulumi.ResourceHookArgs) -> None:
        gate, host = self._gates[args.name]
        await gate.wait(await pulumi.Output.from_input(host).future())
