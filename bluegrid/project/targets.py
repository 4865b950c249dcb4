"""The resources that an update is limited to, and what its program has to know of that.

Target            makes clusters of a service live: live route, and the pods that it needs
WholeServices     all resources of services: what is declared, and what is not any more
                                    │
                                    ▼
PartialUpdate     `--target` for each resource, and variables for the program
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bluegrid_registry import Cluster, contract

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from bluegrid.project.urns import Urns
    from bluegrid_registry import OfferedCluster, OfferedService, Service


@dataclass(frozen=True)
class PartialUpdate:
    """An update of some resources; all others stay as they are.

    Attributes:
        urns: the resources, each of them declared or in the state.
        variables: environment variables for the program.
    """

    urns: tuple[str, ...]
    variables: Mapping[str, str]

    @property
    def targets(self) -> list[str]:
        """The options that limit `pulumi` to the resources."""
        return [f"--target={urn}" for urn in self.urns]

    @property
    def refreshed(self) -> list[str]:
        """The options of an update, or of a preview of it, that reads the resources again.

        After an update that was interrupted in the gate, the state has the old backend and Kubernetes the new
        one, so that Pulumi would otherwise find nothing to do. The resources are read when the program
        registers them: a refresh before that refuses targets that do not exist yet.
        """
        return ["--refresh", "--run-program", *self.targets]


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
        shards: numbers of shards by cluster, of those that have any.
        with_route: whether the live route is updated.
    """

    service: str
    clusters: tuple[str, ...]
    are_scaled: bool
    autoscaled: tuple[str, ...] = ()
    shards: Mapping[str, int] = field(default_factory=dict)
    with_route: bool = True

    @classmethod
    def of(cls, service: Service | OfferedService, *clusters: str) -> Target:
        """Return the target that makes declared clusters of the service live."""
        autoscaled = tuple(each for each in clusters if service.cluster(each).autoscaling)
        are_scaled, shards = service.standby_replicas is not None, _shards(service, clusters)
        return cls(service.name, clusters, are_scaled, autoscaled, shards)

    @classmethod
    def autoscaler_of(cls, service: Service | OfferedService, cluster: str) -> Target:
        """Return the target of a cluster's autoscaler alone."""
        shards = _shards(service, (cluster,))
        return cls(service.name, (cluster,), False, (cluster,), shards, with_route=False)

    def update(self, urns: Urns) -> PartialUpdate:
        """Return the update of the resources in a stack."""
        targets = [
            *(urns.live_route(self.service) if self.with_route else []),
            *(urns.deployment(self.service, each) for each in self._parts(self.clusters) if self.are_scaled),
            *(urns.autoscaler(self.service, each) for each in self._parts(self.autoscaled)),
        ]
        return PartialUpdate(tuple(targets), _of_resources(self.service, with_route=self.with_route))

    def _parts(self, clusters: Iterable[str]) -> list[str]:
        """Return what has pods: the clusters, or their shards."""
        return [part for each in clusters for part in contract.part_ids(each, self.shards.get(each, 1))]


@dataclass(frozen=True)
class WholeServices:
    """All resources of services, declared or not any more.

    What services share, such as the namespace and the store's credentials, is left to a whole update: all
    services depend on it, so the engine would count those that are not registered as deleted.

    Attributes:
        names: of the services.
    """

    names: tuple[str, ...]

    def update(
        self, urns: Urns, offered: Mapping[str, OfferedService], resources: Collection[Mapping[str, Any]]
    ) -> PartialUpdate:
        """Return the update of the resources in a stack.

        Args:
            urns: of the stack.
            offered: the declared services of its region, by name; others may be among them.
            resources: of its state.
        """
        declared = (urns.of_service(offered[name]) for name in self.names if name in offered)
        made = (urns.made_for_service(name, resources) for name in self.names)
        variables = {contract.UPDATED_SERVICES: ",".join(self.names)}
        return PartialUpdate(_each_once(*declared, *made), variables)


def update_of_clusters(
    urns: Urns,
    service: str,
    clusters: Sequence[str],
    declared: Mapping[str, OfferedCluster],
    resources: Collection[Mapping[str, Any]],
) -> PartialUpdate:
    """Return the update of all resources of some clusters of a service, whose live route stays.

    Args:
        urns: of the stack.
        service: name of the service.
        clusters: IDs of the clusters, declared or not any more.
        declared: the service's clusters in the stack's region, by ID.
        resources: of the stack's state.
    """
    new = (urns.of_cluster(service, declared[each]) for each in clusters if each in declared)
    made = (urns.made_for_cluster(service, each, resources) for each in clusters)
    return PartialUpdate(_each_once(*new, *made), _of_resources(service, with_route=False))


def _shards(service: Service | OfferedService, clusters: Iterable[str]) -> dict[str, int]:
    rows = {each: service.cluster(each) for each in clusters}
    counts = {each: (row if isinstance(row, Cluster) else row.now).shards for each, row in rows.items()}
    return {each: count for each, count in counts.items() if count > 1}


def _of_resources(service: str, *, with_route: bool) -> Mapping[str, str]:
    """Return the variables of an update of some resources of a service."""
    return {
        contract.PARTIAL_UPDATE: "1",
        contract.UPDATED_ROUTES: service if with_route else "",
        contract.UPDATED_SERVICES: service,
    }


def _each_once(*urns: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(urn for each in urns for urn in each))
