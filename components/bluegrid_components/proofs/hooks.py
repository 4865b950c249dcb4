"""Proofs before a route is written, that the cluster answers, and after it, that the proxy follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from bluegrid_components.proofs.gate import RouteNotProven
from bluegrid_registry.route_backends import clusters_of

if TYPE_CHECKING:
    from bluegrid_components.proofs.gate import Gate


class Proofs:
    """The proofs of all routes of a program at one step of their update: before or after the write.

    Args:
        hook: name of the hook, which Pulumi shows with a failure.
        ends_shares: whether clusters that had a share of the requests must be proven to have none.
    """

    def __init__(self, hook: str, *, ends_shares: bool = False) -> None:
        self._gates: dict[str, list[tuple[Gate, pulumi.Input[str] | None]]] = {}
        self._ends_shares = ends_shares
        self._failed: set[str] = set()
        self.hook = pulumi.ResourceHook(hook, self._prove)

    def expect(
        self, route: str, gate: Gate | None, host: pulumi.Input[str] | None
    ) -> pulumi.ResourceHook | None:
        """Add a proof for the route of this name; a route may have several.

        Args:
            route: name of the route.
            gate: the proof; None: nothing to prove.
            host: host name to send requests to; None: that of the proxy's address.

        Returns:
            The hook that runs the proofs; None if there is nothing to prove.
        """
        if gate is None:
            return None
        self._gates.setdefault(route, []).append((gate, host))
        return self.hook

    def has_failed(self, route: str) -> bool:
        """Whether a proof of the route of this name has failed."""
        return route in self._failed

    async def _prove(self, args: pulumi.ResourceHookArgs) -> None:
        old = args.old_inputs or {}
        try:
            for gate, host in self._gates[args.name]:
                before = clusters_of(old.get("spec"), gate.service) if self._ends_shares else {}
                await gate.after(before).wait(await pulumi.Output.from_input(host).future())
        except RouteNotProven:
            self._failed.add(args.name)
            raise
