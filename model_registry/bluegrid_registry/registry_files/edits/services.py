"""Edits of services and their clusters: add, change, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.errors import RegistryError
from bluegrid_registry.registry_files.edits.live import refuse_live
from bluegrid_registry.registry_files.edits.opened import open_registry
from bluegrid_registry.registry_files.edits.values import ValueEdit, edited
from bluegrid_registry.registry_files.registry import plain_data
from bluegrid_registry.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from bluegrid_registry.registry_files.cluster_schema import Cluster
    from bluegrid_registry.registry_files.service_schema import Service

_SET_OTHERWISE: Mapping[str, Remedy] = {
    "live": Remedy.SWITCH,
    "traffic": Remedy.SHARE,
    "clusters": Remedy.EDIT_CLUSTERS,
}
"""Keys of a service whose changes have functions of their own."""


def add_service(folder: Path, set_id: str, service: Service) -> bool:
    """Put a set online; return False if the same service exists already.

    Raises:
        RegistryError: the set has another service, the name is taken, there is no such set, or the registry
            has mistakes.
    """
    with open_registry(folder) as opened:
        file = opened.of_set(set_id)
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
    """Change values of a cluster, such as `replicas=3`; otherwise as `edit_cluster`."""
    return edit_cluster(folder, service, cluster_id, [ValueEdit((key,), changes[key]) for key in changes])


def edit_cluster(
    folder: Path, service: str, cluster_id: str, edits: Iterable[ValueEdit]
) -> tuple[Cluster, Cluster]:
    """Change or remove values of a cluster; return the cluster before and after.

    Raises:
        RegistryError: there is no such service or cluster, the cluster is live and would have no pods, the
            edits change its ID, a value is invalid, or the registry has mistakes.
    """
    edits = [*edits]
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        old = offered.cluster(cluster_id)
        if any(edit.path[0] == "id" for edit in edits):
            raise RegistryError(
                f"the ID of cluster {cluster_id} never changes: its objects are named after it; "
                "add another cluster, switch to it, and remove this one"
            )
        if any(edit.path[0] == "shards" for edit in edits):
            raise RegistryError(
                f"the shards of cluster {cluster_id} never change: each has its part of the models; "
                "add another cluster with other shards, switch to it, and remove this one"
            )
        if any((edit.path, edit.value) == (("replicas",), 0) for edit in edits):
            refuse_live(offered, cluster_id)
        data = plain_data(file)
        rows = data["service"]["clusters"]
        index = offered.clusters.index(old)
        row = edited(rows[index], edits)
        if row == rows[index]:
            return old, old
        rows[index] = row
        changed = opened.change_data(file, data).service
        assert changed is not None  # noqa: S101 - the service is in `data`
        return old, changed.clusters[index]


def edit_service(folder: Path, service: str, edits: Iterable[ValueEdit]) -> tuple[Service, Service]:
    """Change or remove values of a service, such as its regions; return the service before and after.

    Raises:
        RegistryError: there is no such service, an edit changes its name, or what has a function of its own
            (the live cluster, traffic, clusters), a value is invalid, or the registry has mistakes.
    """
    edits = [*edits]
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        for edit in edits:
            if edit.path[0] == "name":
                raise RegistryError(f"the name of service {service} never changes: its URL has it")
            if remedy := _SET_OTHERWISE.get(edit.path[0]):
                raise RegistryError(f"{edit.path[0]} is not set by its key", remedy, service=service)
        data = plain_data(file)
        row = edited(data["service"], edits)
        if row == data["service"]:
            return offered, offered
        changed = opened.change_data(file, {**data, "service": row}).service
        assert changed is not None  # noqa: S101 - the service is in `data`
        return offered, changed
