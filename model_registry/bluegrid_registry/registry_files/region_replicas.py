"""How many pods a region has: the registry's number times a factor, or a number of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from bluegrid_registry.contract import cluster_name
from bluegrid_registry.errors import ConfigError
from bluegrid_registry.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bluegrid_registry.registry_files.cluster_schema import Cluster
    from bluegrid_registry.registry_files.service_schema import Service


@dataclass(frozen=True)
class Sizes:
    """A region's own numbers of pods.

    Attributes:
        factor: multiplies the replicas of all clusters, rounded up: only 0 becomes 0.
        replicas: what single clusters have instead, by `<service>-<cluster>`.
    """

    factor: Decimal = Decimal(1)
    replicas: Mapping[str, int] = field(default_factory=dict)

    def check(self, services: Iterable[Service]) -> None:
        """Raise ConfigError where a number is of a cluster that none of the region's services has."""
        declared = [cluster_name(service.name, each.id) for service in services for each in service.clusters]
        if strays := sorted(set(self.replicas) - set(declared)):
            known = ", ".join(declared) or "none"
            fault = f"replicas: {', '.join(strays)}: no such cluster in this region; declared: {known}"
            raise ConfigError(fault, Remedy.REMOVE_REPLICAS, cluster=strays[0])

    def of(self, service: str, cluster: Cluster) -> Cluster:
        """Return the row of a service's cluster with the pods that it has in the region when it is live."""
        multiplied = math.ceil(cluster.replicas * self.factor)
        count = self.replicas.get(cluster_name(service, cluster.id), multiplied)
        return cluster.model_copy(update={"replicas": count})


AS_DECLARED = Sizes()
"""The sizes of a region with as many pods as the registry says."""
