"""A switch where nothing is seen of the proxy: what was live keeps its pods, and taking them is refused.

Where this program cannot reach the proxy, nothing proves that it has left the cluster that was live. In the
update that switches, that one keeps all its pods, and an update that takes it out, or takes pods from it, is
refused. What was live only the engine knows: it calls hooks with a resource as it was, in previews too.
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
    "this program cannot reach the proxy and does not see when that has left it: {remedy} for one more "
    "`pulumi up`, or set bluegrid:routeAddress"
)


class StillInUse(BluegridError):  # noqa: N818 - that it is, is the fault
    """An update would take from a cluster pods that may still be asked."""


class DeletionGuard:
    """The services' changes of their live clusters, where no gate proves them; one in a program."""

    def __init__(self) -> None:
        self._declared: dict[str, frozenset[str]] = {}
        self._left: set[str] = set()
        in_previews_too = pulumi.ResourceHookOptions(on_dry_run=True)
        self.before_switch = pulumi.ResourceHook("bluegrid-handover", self._note, in_previews_too)
        self.before_scaling = pulumi.ResourceHook("bluegrid-keep-pods", self._keep_pods, in_previews_too)

    def expect(self, service: str, clusters: Collection[str]) -> None:
        """Take which clusters of a service are declared, by ID."""
        self._declared[service] = frozenset(contract.cluster_name(service, cluster) for cluster in clusters)

    def leaves(self, service: str, cluster: str) -> bool:
        """Whether the live route leaves this cluster in this update, as far as it has come."""
        return contract.cluster_name(service, cluster) in self._left

    def _note(self, args: pulumi.ResourceHookArgs) -> None:
        # A live route is named as its service.
        old, new = (
            {*backends_of((inputs or {}).get("spec"))} for inputs in (args.old_inputs, args.new_inputs)
        )
        for left in sorted(old - new):
            if left not in self._declared[args.name]:
                remedy = _REMEDY.format(remedy="keep it declared")
                raise StillInUse(f"service {args.name}: {left} is live and to be deleted; {remedy}")
            self._left.add(left)

    def _keep_pods(self, args: pulumi.ResourceHookArgs) -> None:
        had, has = (int((inputs or {})["spec"]["replicas"]) for inputs in (args.old_inputs, args.new_inputs))
        if has < had and args.name in self._left:
            fault = f"{args.name} was live and is to have {has} pods instead of {had}"
            raise StillInUse(f"{fault}; {_REMEDY.format(remedy='keep its replicas')}")
