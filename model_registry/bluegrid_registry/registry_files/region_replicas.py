"""How many pods a region has: the registry's number times a factor, or a number of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError
from bluegrid_registry.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bluegrid_registry.registry_files.schema import RegistryFile
    from bluegrid_registry.registry_files.service_schema import Cluster, Service


@dataclass(frozen=True)
class Sizes:
    """A region's own numbers of pods.

    Attributes:
        factor: multiplies the replicas of all clusters, rounded up: only 0 becomes 0.
        replicas: what single clusters have instead, by `<service>-<cluster>`.
    """

    factor: Decimal = Decimal(1)
    replicas: Mapping[str, int] = field(default_factory=dict)


AS_DECLARED = Sizes()
"""The sizes of a region with as many pods as the registry says."""


def sized(
    files: Iterable[RegistryFile], factor: Decimal, replicas: Mapping[str, int]
) -> tuple[RegistryFile, ...]:
    """Return the registry's files with a region's own numbers of pods.

    Args:
        files: of the region's services.
        factor: multiplies the replicas of all clusters, rounded up: only 0 becomes 0.
        replicas: what clusters have instead, by `<service>-<cluster>`.

    Raises:
        ConfigError: there is no such cluster in the region.
    """
    files = tuple(files)
    declared = [_name(service, each) for service, each in _clusters(files)]
    if strays := sorted(set(replicas) - set(declared)):
        known = ", ".join(declared) or "none"
        fault = f"replicas: {', '.join(strays)}: no such cluster in this region; declared: {known}"
        raise ConfigError(fault, Remedy.REMOVE_REPLICAS, cluster=strays[0])
    return tuple(_sized(file, factor, replicas) for file in files)


def _clusters(files: Iterable[RegistryFile]) -> list[tuple[Service, Cluster]]:
    return [(file.service, each) for file in files if file.service for each in file.service.clusters]


def _name(service: Service, cluster: Cluster) -> str:
    """Return the name of the cluster's Kubernetes objects."""
    return f"{service.name}-{cluster.id}"


def _sized(file: RegistryFile, factor: Decimal, replicas: Mapping[str, int]) -> RegistryFile:
    service = file.service
    if service is None:
        return file
    clusters = tuple(
        cluster.model_copy(
            update={"replicas": replicas.get(_name(service, cluster), math.ceil(cluster.replicas * factor))}
        )
        for cluster in service.clusters
    )
    return file.model_copy(update={"service": service.model_copy(update={"clusters": clusters})})
