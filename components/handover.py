"""A switch gives to one cluster and takes from another: in which order, and what is refused.

The cluster that goes live has its pods before the live route leads to it. What the one before it gives up, it
gives up once the route is proven. Where this program cannot reach the proxy nothing is proven: in the update
that switches, the cluster that was live then keeps all its pods, and an update that takes them is refused.
What was live only the engine knows: it calls hooks with a resource as it was, in previews too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from components import naming
from model_registry.errors import BluegridError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_REMEDY = (
    "this program cannot reach the proxy and does not see when that has left it: {remedy} for one more "
    "`pulumi up`, or set bluegrid:routeAddress"
)


class StillInUse(BluegridError):  # noqa: N818 - that it is, is the fault
    """An update would take from a cluster pods that may still be asked."""


class Handover:
    """One service's change of its live cluster, where no gate proves it.

    Args:
        service: name of the service.
        clusters: IDs of those that are declared.
    """

    def __init__(self, service: str, clusters: Collection[str]) -> None:
        self._service = service
        self._declared = {naming.cluster_name(service, cluster): cluster for cluster in clusters}
        self.left: str | None = None
        """ID of the cluster that the live route leaves in this update; None: of none, or not yet."""
        in_previews_too = pulumi.ResourceHookOptions(on_dry_run=True)
        self.before_switch = pulumi.ResourceHook(f"{service}-switch", self._note, in_previews_too)
        self.before_scaling = pulumi.ResourceHook(f"{service}-scaling", self._keep_pods, in_previews_too)

    def _note(self, args: pulumi.ResourceHookArgs) -> None:
        left, backend = (_backend(inputs or {}) for inputs in (args.old_inputs, args.new_inputs))
        if left == backend:
            return
        if left not in self._declared:
            remedy = _REMEDY.format(remedy="keep it declared")
            raise StillInUse(f"service {self._service}: {left} is live and to be deleted; {remedy}")
        self.left = self._declared[left]

    def _keep_pods(self, args: pulumi.ResourceHookArgs) -> None:
        had, has = (int((inputs or {})["spec"]["replicas"]) for inputs in (args.old_inputs, args.new_inputs))
        if has < had and self.left is not None and args.name == naming.cluster_name(self._service, self.left):
            remedy = _REMEDY.format(remedy="keep its replicas")
            raise StillInUse(
                f"service {self._service}: {args.name} was live and is to have {has} pods instead of {had}; "
                + remedy
            )


def _backend(inputs: Mapping[str, Any]) -> str:
    return str(inputs["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"])
