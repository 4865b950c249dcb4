"""Edits of services and their clusters: add, change, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.errors import RegistryError
from bluegrid_registry.registry_files.edits.live import refuse_live
from bluegrid_registry.registry_files.registry import open_registry

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry.registry_files.cluster_schema import Cluster
    from bluegrid_registry.registry_files.service_schema import Service


def add_service(folder: Path, set_id: str, service: Service) -> bool:
    """Put a set online; return False if the same service exists already.

    Raises:
        RegistryError: the set has another service, the name is taken, there is no such set, or the registry
            has mistakes.
    """
    with open_registry(folder) as opened:
        file = opened.registry.of_set(set_id)
        if file.service == service:
            return False
        if file.service is not None:
            raise RegistryError(f"{opened.path(file)}: set {set_id} has service {file.service.name} already")
        opened.change(file, service=service)
        return True


def remove_service(folder: Path, service: str) -> tuple[Cluster, ...]:
    """Take a set offline: remove its service, and return its clusters. The versions stay.

    Raises:
        RegistryError: there is no such service, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        opened.change(file, service=None)
        return offered.clusters


def add_cluster(folder: Path, service: str, cluster: Cluster) -> bool:
    """Add a cluster to a service, on standby; return False if the same cluster exists already.

    Raises:
        RegistryError: there is no such service, the cluster's ID or version is taken, or the registry has
            mistakes.
    """
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        if cluster in offered.clusters:
            return False
        clusters = (*offered.clusters, cluster)
        opened.change(file, service=offered.model_copy(update={"clusters": clusters}))
        return True


def remove_cluster(folder: Path, service: str, cluster_id: str) -> None:
    """Remove a cluster from a service.

    Raises:
        RegistryError: the cluster is live or has a share somewhere, there is no such cluster, or the registry
            has mistakes.
    """
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        cluster = offered.cluster(cluster_id)
        refuse_live(offered, cluster_id)
        clusters = tuple(row for row in offered.clusters if row != cluster)
        opened.change(file, service=offered.model_copy(update={"clusters": clusters}))


def change_cluster(
    folder: Path, service: str, cluster_id: str, **changes: int | str
) -> tuple[Cluster, Cluster]:
    """Change values of a cluster, such as `replicas=3`; return the cluster before and after.

    Raises:
        RegistryError: there is no such service or cluster, the cluster is live and would have no pods, a
            value is invalid, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        old = offered.cluster(cluster_id)
        new = old.model_copy(update=changes)
        if new.replicas == 0:
            refuse_live(offered, cluster_id)
        if new != old:
            clusters = tuple(new if row == old else row for row in offered.clusters)
            opened.change(file, service=offered.model_copy(update={"clusters": clusters}))
        return old, new
