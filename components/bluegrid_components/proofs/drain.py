"""Proof, before a cluster is deleted, that the proxy has stopped sending requests to it.

The gate of a live route runs when the route changes. If that gate fails or the update is killed, the route
has already changed: the next update has no gate to run and would delete the cluster. So this proof probes the
cluster before the first of its resources, its standing route, is deleted: the cluster must no longer answer
at the service's URL. Any other answer passes: after a stack was destroyed, a service of the same name in
another stack may answer. A cluster that the program declares as live is not probed: either its whole stack is
destroyed, or only its standing route is replaced by another kind of object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from bluegrid_components.proofs.gate import Gate, answers_to_rule_out
from bluegrid_registry import contract

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HOOK = "bluegrid-drained"
"""Name of the hook, in the state of every standing route: after a rename these could not be deleted."""

_SHARE = 0.1
"""A share of this size is detected. The gate checks the exact share that has ended; a smaller share
that stayed unproven, because the previous update was killed, could still be missed here."""
_SECONDS = 30.0
"""Time limit of a proof, in seconds. The routes are final by then; the proxy only has to read them."""


class Drain:
    """Proves for a stack that clusters to be deleted get no more requests; one instance in a program.

    Args:
        address: URL of the proxy, without a path; None: the proxy cannot be reached, and nothing is proven.
        host: host name of the live routes; None: any.
        shares_traffic: whether a deleted cluster may have had only a share of the requests.
    """

    def __init__(self, address: str | None, host: str | None, shares_traffic: bool = False) -> None:
        self._address, self._host = address, host
        self._answers = answers_to_rule_out(_SHARE if shares_traffic else 1)
        self._live: set[tuple[str, str]] = set()
        # Registered even if nothing can be proven: standing routes of earlier updates name this hook.
        self.hook = pulumi.ResourceHook(_HOOK, self._prove)

    def expect(self, service: str, live: Iterable[str]) -> None:
        """Register a declared service, and the IDs of its clusters that may get requests."""
        self._live.update((service, cluster) for cluster in live)

    async def _prove(self, args: pulumi.ResourceHookArgs) -> None:
        service, cluster = contract.cluster_of_labels(_labels(args.old_inputs or {}))
        if self._address is not None and (service, cluster) not in self._live:
            gate = Gate(self._address, service, {}, self._answers, _SECONDS, without=cluster)
            await gate.wait(self._host)


def _labels(inputs: Mapping[str, object]) -> Mapping[str, str]:
    metadata = inputs.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    return labels if isinstance(labels, dict) else {}
