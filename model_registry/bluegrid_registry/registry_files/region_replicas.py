"""Numbers of pods in a region: the registry's numbers times a factor, or numbers of its own."""

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
        factor: multiplies the replicas of all clusters; rounded up, so that only 0 becomes 0.
        replicas: numbers of single clusters instead, by `<service>-<cluster>`.
    """

    factor: Decimal = Decimal(1)
    replicas: Mapping[str, int] = field(default_factory=dict)

    def check(self, services: Iterable[Service]) -> None:
        """Raise ConfigError if `replicas` names a cluster that none of the region's services has."""
        declared = [cluster_name(service.name, each.id) for service in services for each in service.clusters]
        if unknown := sorted(set(self.replicas) - set(declared)):
            known = ", ".join(declared) or "none"
            fault = f"replicas: {', '.join(unknown)}: no such cluster in this region; declared: {known}"
            raise ConfigError(fault, Remedy.REMOVE_REPLICAS, cluster=unknown[0])

    def of(self, service: str, cluster: Cluster) -> Cluster:
        """Return the row of a service's cluster with its number of pods in the region when it is live."""
        multiplied = math.ceil(cluster.replicas * self.factor)
        count = self.replicas.get(cluster_name(service, cluster.id), multiplied)
        return cluster.model_copy(update={"replicas": count})


AS_DECLARED = Sizes()
"""The sizes of a region with the registry's numbers of pods."""
