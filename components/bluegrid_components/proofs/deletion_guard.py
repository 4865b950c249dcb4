"""Refuses to delete or shrink the cluster that was live if the proxy cannot be reached.

Without the proxy, nothing proves that requests no longer go to the cluster that was live. So a switch leaves
that cluster all its pods; an update that also deletes the cluster or takes pods from it is refused. Only the
engine knows what was live: it passes the old resource to hooks, in previews too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from bluegrid_registry import contract
from bluegrid_registry.errors import BluegridError
from bluegrid_registry.route_backends import backends_of

if TYPE_CHECKING:
    from collections.abc import Collection

_REMEDY = (
    "this program cannot reach the proxy and cannot see when requests stop: {remedy} for one more "
    "`pulumi up`, or set bluegrid:routeAddress"
)


class StillInUse(BluegridError):  # noqa: N818 - named after the fault
    """An update would take pods from a cluster that may still get requests."""


class DeletionGuard:
    """Records which clusters lose their live route in this update without a gate; one in a program."""

    def __init__(self) -> None:
        self._declared: dict[str, frozenset[str]] = {}
        self._left: set[str] = set()
        in_previews_too = pulumi.ResourceHookOptions(on_dry_run=True)
        self.before_switch = pulumi.ResourceHook("bluegrid-handover", self._note, in_previews_too)
        self.before_scaling = pulumi.ResourceHook("bluegrid-keep-pods", self._keep_pods, in_previews_too)

    def expect(self, service: str, clusters: Collection[str]) -> None:
        """Register the clusters that a service declares, by ID."""
        self._declared[service] = frozenset(contract.cluster_name(service, cluster) for cluster in clusters)

    def leaves(self, service: str, cluster: str) -> bool:
        """Return whether the live route has left this cluster in this update so far."""
        return contract.cluster_name(service, cluster) in self._left

    def _note(self, args: pulumi.ResourceHookArgs) -> None:
        # A live route has the name of its service.
        old, new = (
            {*backends_of((inputs or {}).get("spec"))} for inputs in (args.old_inputs, args.new_inputs)
        )
        for left in sorted(old - new):
            if left not in self._declared[args.name]:
                remedy = _REMEDY.format(remedy="keep it declared")
                raise StillInUse(f"service {args.name}: {left} is live and to be deleted; {remedy}")
            self._left.add(left)

    def _keep_pods(self, args: pulumi.ResourceHookArgs) -> None:
        old, new = (int((inputs or {})["spec"]["replicas"]) for inputs in (args.old_inputs, args.new_inputs))
        labels = (args.new_inputs or {})["metadata"]["labels"]
        # A shard's Deployment is not named as its cluster is.
        if new < old and contract.cluster_name(*contract.cluster_of_labels(labels)) in self._left:
            fault = f"{args.name} was live and is to have {new} pods instead of {old}"
            raise StillInUse(f"{fault}; {_REMEDY.format(remedy='keep its replicas')}")
