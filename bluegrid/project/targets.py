"""What an update touches, as patterns of URNs: `pulumi up --target`.

https://www.pulumi.com/docs/iac/concepts/resources/names/#urns: a URN names the stack and its project. The
patterns leave out the kinds of the components that a resource is in.
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
    """What an update touches that makes clusters live.

    Another cluster of the stack that cannot start must not hold up a switch. Where standbys have fewer pods,
    those of the new cluster come first; an autoscaled one is brought to as many as the old one has, by its
    autoscaler (components, proofs/takeover.py). What the old one gives up is left to the next whole update:
    until then going back takes no start of pods.

    Attributes:
        service: name of the service.
        clusters: their IDs; behind an Ingress it is one.
        are_scaled: whether clusters have more pods when they are live.
        autoscaled: those of the clusters that have an autoscaler.
        with_route: whether the live route is touched.
    """

    service: str
    clusters: tuple[str, ...]
    are_scaled: bool
    autoscaled: tuple[str, ...] = ()
    with_route: bool = True

    @classmethod
    def of(cls, service: Service | OfferedService, *clusters: str) -> Target:
        """Return what makes declared clusters of the service live."""
        autoscaled = tuple(each for each in clusters if service.cluster(each).autoscaling)
        return cls(service.name, clusters, service.standby_replicas is not None, autoscaled)

    @classmethod
    def autoscaler_of(cls, service: Service | OfferedService, cluster: str) -> Target:
        """Return a cluster's autoscaler alone."""
        return cls(service.name, (cluster,), are_scaled=False, autoscaled=(cluster,), with_route=False)

    @property
    def routes(self) -> tuple[str, ...]:
        """The services whose live routes are touched."""
        return (self.service,) if self.with_route else ()

    def urns(self, project: str, stack: str) -> list[str]:
        """Return patterns of the resources' URNs in a stack of a project, both by name."""
        urns = [_urn(project, stack, _ANY, self.service)] if self.with_route else []
        for kind, clusters in (
            (_DEPLOYMENT, self.clusters if self.are_scaled else ()),
            (_AUTOSCALER, self.autoscaled),
        ):
            names = (contract.cluster_name(self.service, cluster) for cluster in clusters)
            urns += [_urn(project, stack, kind, name) for name in names]
        return urns

    def options(self, project: str, stack: str) -> list[str]:
        """Return the options by which `pulumi` touches nothing else."""
        return ["--stack", stack, *(f"--target={urn}" for urn in self.urns(project, stack))]


def urns_of_cluster(project: str, stack: str, service: str, cluster: str) -> list[str]:
    """Return patterns of the URNs of all that a cluster is made of."""
    names = contract.cluster_name(service, cluster), contract.preflight_name(service, cluster)
    return [_urn(project, stack, _ANY, name) for name in names]


def _urn(project: str, stack: str, kind: str, name: str) -> str:
    return f"urn:pulumi:{stack}::{project}::{kind}::{name}"
