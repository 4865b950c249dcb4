"""The resources that an update is limited to, as patterns of URNs: `pulumi up --target`.

https://www.pulumi.com/docs/iac/concepts/resources/names/#urns: a URN names the stack and its project. The
patterns leave out the types of the components around a resource.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid_registry import contract

if TYPE_CHECKING:
    from bluegrid_registry import OfferedService, Service

_DEPLOYMENT = "**$kubernetes:apps/v1:Deployment"
_AUTOSCALER = "**$kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
_ANY = "**"


@dataclass(frozen=True)
class Target:
    """The resources of an update that makes clusters live.

    A cluster of the stack that cannot start must not hold up the switch of another. If standbys have fewer
    pods, the new cluster is scaled first; an autoscaled one to the old cluster's number of pods, by its
    autoscaler (components, proofs/takeover.py). The next whole update scales the old cluster down: until
    then, going back starts no pods.

    Attributes:
        service: name of the service.
        clusters: IDs of the clusters; exactly one behind an Ingress.
        are_scaled: whether live clusters have more pods than standbys.
        autoscaled: those of the clusters that have an autoscaler.
        with_route: whether the live route is updated.
    """

    service: str
    clusters: tuple[str, ...]
    are_scaled: bool
    autoscaled: tuple[str, ...] = ()
    with_route: bool = True

    @classmethod
    def of(cls, service: Service | OfferedService, *clusters: str) -> Target:
        """Return the target that makes declared clusters of the service live."""
        autoscaled = tuple(each for each in clusters if service.cluster(each).autoscaling)
        return cls(service.name, clusters, service.standby_replicas is not None, autoscaled)

    @classmethod
    def autoscaler_of(cls, service: Service | OfferedService, cluster: str) -> Target:
        """Return the target of a cluster's autoscaler alone."""
        return cls(service.name, (cluster,), are_scaled=False, autoscaled=(cluster,), with_route=False)

    @property
    def routes(self) -> tuple[str, ...]:
        """The services whose live routes are updated."""
        return (self.service,) if self.with_route else ()

    def urns(self, project: str, stack: str) -> list[str]:
        """Return patterns of the resources' URNs; arguments are names."""
        urns = [_urn(project, stack, _ANY, self.service)] if self.with_route else []
        for kind, clusters in (
            (_DEPLOYMENT, self.clusters if self.are_scaled else ()),
            (_AUTOSCALER, self.autoscaled),
        ):
            names = (contract.cluster_name(self.service, cluster) for cluster in clusters)
            urns += [_urn(project, stack, kind, name) for name in names]
        return urns

    def options(self, project: str, stack: str) -> list[str]:
        """Return the options that limit `pulumi` to these resources."""
        return ["--stack", stack, *(f"--target={urn}" for urn in self.urns(project, stack))]


def urns_of_cluster(project: str, stack: str, service: str, cluster: str) -> list[str]:
    """Return patterns of the URNs of all resources of a cluster."""
    names = contract.cluster_name(service, cluster), contract.preflight_name(service, cluster)
    return [_urn(project, stack, _ANY, name) for name in names]


def _urn(project: str, stack: str, kind: str, name: str) -> str:
    return f"urn:pulumi:{stack}::{project}::{kind}::{name}"
