"""The services that one region runs, resolved once for the program, previews, drift and promotion.

    RegistryFile ─┐
    region ───────┼─► offered() ─► OfferedService ─┬─ Shares            clusters that answer the service's URL
    Sizes ────────┘                                └─ OfferedCluster    a version, and the number of its pods

In the registry, the live cluster, shares of the requests, regions of a service, numbers of pods and sizes of
standbys may all differ by region. The classes here hold the values of one region.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid_registry.registry_files.lookup import pick

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bluegrid_registry.registry_files.cluster_schema import Autoscaling, Cluster
    from bluegrid_registry.registry_files.model_set_schema import DeclaredSet, RegistryFile
    from bluegrid_registry.registry_files.region_replicas import Sizes
    from bluegrid_registry.registry_files.service_schema import Service
    from bluegrid_registry.registry_files.version_rows import Version


@dataclass(frozen=True)
class Shares:
    """The shares of a service's requests that its clusters get.

    Attributes:
        weights: whole numbers above 0 by the clusters' IDs, the live cluster first.
    """

    weights: Mapping[str, int]

    @property
    def live(self) -> str:
        """ID of the live cluster."""
        return next(iter(self.weights))

    @property
    def only(self) -> str | None:
        """ID of the only cluster that gets requests; None: several share them, which requires a Gateway."""
        return self.live if len(self.weights) == 1 else None

    @property
    def fractions(self) -> dict[str, float]:
        """Fractions of all requests by the clusters' IDs, above 0; their sum is 1."""
        total = sum(self.weights.values())
        return {cluster: weight / total for cluster, weight in self.weights.items()}


@dataclass(frozen=True)
class OfferedCluster:
    """A cluster as one region runs it.

    Attributes:
        version: the row of the version that the cluster serves.
        when_live: the cluster's row, with its number of pods in this region when it gets requests.
        now: the same row, with the current number of pods: a standby may have fewer.
    """

    version: Version
    when_live: Cluster
    now: Cluster

    @property
    def id(self) -> str:
        """The cluster's ID, unique in the service."""
        return self.now.id

    @property
    def autoscaling(self) -> Autoscaling | None:
        """The limits of the cluster's autoscaler; None: the number of pods is fixed."""
        return self.now.autoscaling


@dataclass(frozen=True)
class OfferedService:
    """A service as one region runs it.

    Attributes:
        name: unique in the registry.
        region: name of the region.
        set: the model set that the service serves.
        shares: how its requests are shared.
        clusters: by ID, in the order of the file.
        standby_replicas: most pods of a standby; None: as many as when it is live.
    """

    name: str
    region: str
    set: DeclaredSet
    shares: Shares
    clusters: Mapping[str, OfferedCluster]
    standby_replicas: int | None

    @property
    def answering(self) -> tuple[OfferedCluster, ...]:
        """The clusters that get requests, the live one first."""
        return tuple(self.clusters[cluster] for cluster in self.shares.weights)

    @property
    def standbys(self) -> tuple[OfferedCluster, ...]:
        """The clusters that get no requests, in the order of the file."""
        return tuple(row for row in self.clusters.values() if row.id not in self.shares.weights)

    def cluster(self, cluster_id: str) -> OfferedCluster:
        """Return the cluster with this ID; RegistryError, with the declared IDs, if there is none."""
        return pick(self.clusters, cluster_id, f"{cluster_id} is not a cluster of {self.name}")


def offered(
    files: Iterable[RegistryFile], region: str, sizes: Sizes, *, if_named: bool = False
) -> dict[str, OfferedService]:
    """Return the services that a region runs, by name, in the order of the files.

    Args:
        files: of a registry without mistakes.
        region: name of the region.
        sizes: the region's own numbers of pods.
        if_named: whether the region has only services that name it.
    """
    online = [
        (file, file.service)
        for file in files
        if file.service and file.service.is_in(region, if_named=if_named)
    ]
    return {service.name: _offered(file, service, region, sizes) for file, service in online}


def _offered(file: RegistryFile, service: Service, region: str, sizes: Sizes) -> OfferedService:
    shares = Shares(service.weights_in(region))
    when_live = [sizes.of(service.name, each) for each in service.clusters]
    return OfferedService(
        name=service.name,
        region=region,
        set=file.set,
        shares=shares,
        clusters={
            each.id: OfferedCluster(
                file.version(each.version),
                each,
                each if each.id in shares.weights else _standby(each, service.standby_replicas),
            )
            for each in when_live
        },
        standby_replicas=service.standby_replicas,
    )


def _standby(cluster: Cluster, most: int | None) -> Cluster:
    """Return a standby's row with at most `most` pods; a row with an autoscaler is not changed."""
    if most is None or cluster.autoscaling:
        return cluster
    return cluster.model_copy(update={"replicas": min(cluster.replicas, most)})
