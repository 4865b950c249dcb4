"""Proofs, when a route is written: before it that the cluster answers, after it that the proxy follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.gate import RouteNotProven

if TYPE_CHECKING:
    from components.gate import Gate


class Proofs:
    """What has to be seen of each route of a program at one moment of its update.

    Args:
        hook: name of the hook, which failures are told with.
    """

    def __init__(self, hook: str) -> None:
        self._gates: dict[str, tuple[Gate, pulumi.Input[str] | None]] = {}
        self._failed: set[str] = set()
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

    def has_failed(self, route: str) -> bool:
        """Whether it was not seen for the route of this name."""
        return route in self._failed

    async def _prove(self, args: pulumi.ResourceHookArgs) -> None:
        gate, host = self._gates[args.name]
        try:
            await gate.wait(await pulumi.Output.from_input(host).future())
        except RouteNotProven:
            self._failed.add(args.name)
            raise
