"""The URNs of a service's resources: those that its program registers, and those in a state.

https://www.pulumi.com/docs/iac/concepts/resources/names/#urns: a URN names the stack, its project, the types
of the components around a resource, its own type and its name. The resources of a service are children of
components of these types in every stack and every language (docs/adr/0028-one-component-for-a-region.md).

An update's targets are these URNs, literally. A pattern could match the stack's own resource, and then each
resource that the program does not register would count as deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bluegrid_registry import contract

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from bluegrid_registry import OfferedCluster, OfferedService

PLATFORMS = ("bluegrid:serving:Platform", "bluegrid:serving:SharedPlatform")
"""Types of the component around what all services of a stack share: made by it, or by another stack."""
_SERVICE = "bluegrid:serving:ModelService"
_CLUSTER = "bluegrid:serving:ModelCluster"
_ROUTE = "bluegrid:serving:Route"
_JOB = "kubernetes:batch/v1:Job"
_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_SERVICE_OBJECT = "kubernetes:core/v1:Service"
_AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
_NETWORK_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
_BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
_INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
_HTTP_ROUTE = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"


@dataclass(frozen=True)
class Urns:
    """The URNs of a stack's services.

    Attributes:
        project: name of the project.
        stack: name of the stack.
        with_gateway: whether the routes are HTTPRoutes; otherwise they are Ingresses.
    """

    project: str
    stack: str
    with_gateway: bool

    def of_service(self, service: OfferedService) -> list[str]:
        """Return the URNs of all resources that the program registers for a service."""
        clusters = (self.of_cluster(service.name, each) for each in service.clusters.values())
        return [*self.live_route(service.name), *(urn for urns in clusters for urn in urns)]

    def live_route(self, service: str) -> list[str]:
        """Return the URNs of a service's live route, and of the service itself, whose output is the URL."""
        route = self._urn(_SERVICE, _ROUTE, name=service)
        return [
            self._urn(_SERVICE, name=service),
            route,
            self._urn(_SERVICE, _ROUTE, self._kind, name=service),
        ]

    def of_cluster(self, service: str, cluster: OfferedCluster) -> list[str]:
        """Return the URNs of all resources that the program registers for a cluster."""
        name, around = contract.cluster_name(service, cluster.id), (_SERVICE, _CLUSTER)
        parts = contract.part_ids(cluster.id, cluster.now.shards)
        peers = [contract.cluster_name(service, each) for each in parts] if len(parts) > 1 else []
        urns = [
            self._urn(*around, name=name),
            *(self._urn(*around, _JOB, name=contract.preflight_name(service, each)) for each in parts),
            *([self._urn(*around, _NETWORK_POLICY, name=name)] if peers else []),
            *(self._urn(*around, _SERVICE_OBJECT, name=each) for each in peers),
            *(self.deployment(service, each) for each in parts),
            self._urn(*around, _SERVICE_OBJECT, name=name),
        ]
        for each in parts:
            part = contract.cluster_name(service, each)
            urns += [self.autoscaler(service, each)] if cluster.autoscaling else []
            urns += [self._urn(*around, _BUDGET, name=part)] if cluster.when_live.fewest_pods > 1 else []
        return [
            *urns,
            self._urn(*around, _ROUTE, name=name),
            self._urn(*around, _ROUTE, self._kind, name=name),
        ]

    def deployment(self, service: str, part: str) -> str:
        """Return the URN of the Deployment of a cluster, or of a shard of one."""
        return self._urn(_SERVICE, _CLUSTER, _DEPLOYMENT, name=contract.cluster_name(service, part))

    def autoscaler(self, service: str, part: str) -> str:
        """Return the URN of the autoscaler of a cluster, or of a shard of one."""
        return self._urn(_SERVICE, _CLUSTER, _AUTOSCALER, name=contract.cluster_name(service, part))

    def made_for_service(self, service: str, resources: Collection[Mapping[str, Any]]) -> list[str]:
        """Return the URNs of all resources in a state that belong to a service.

        Args:
            service: name of the service.
            resources: of the state.
        """
        return _with_children(self._urn(_SERVICE, name=service), resources)

    def made_for_cluster(
        self, service: str, cluster: str, resources: Collection[Mapping[str, Any]]
    ) -> list[str]:
        """Return the URNs of all resources in a state that belong to a cluster."""
        urn = self._urn(_SERVICE, _CLUSTER, name=contract.cluster_name(service, cluster))
        return _with_children(urn, resources)

    @property
    def _kind(self) -> str:
        return _HTTP_ROUTE if self.with_gateway else _INGRESS

    def _urn(self, *types: str, name: str) -> str:
        return f"urn:pulumi:{self.stack}::{self.project}::{'$'.join(types)}::{name}"


def _with_children(top: str, resources: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the URNs of a resource in a state and of all below it; empty if the state does not have it."""
    found: dict[str, None] = {}
    # A state lists parents before their children.
    for each in resources:
        if each["urn"] == top or each.get("parent") in found:
            found[each["urn"]] = None
    return [*found]
