"""Edits of services and their clusters: add, change, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bluegrid_registry.errors import RegistryError
from bluegrid_registry.registry_files.edits.live import refuse_live
from bluegrid_registry.registry_files.edits.opened import open_registry
from bluegrid_registry.registry_files.edits.values import ValueEdit, edited
from bluegrid_registry.registry_files.registry import plain_data
from bluegrid_registry.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bluegrid_registry.registry_files.cluster_schema import Cluster
    from bluegrid_registry.registry_files.service_schema import Service

_Value = TypeVar("_Value")

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


def move_service(folder: Path, service: str, old: str, new: str, unnamed: Sequence[str]) -> bool:
    """Declare a service for one region in place of another; return False if it is declared so already.

    Args:
        folder: the registry.
        service: the service.
        old: the region that it leaves.
        new: the region that it gets, where it is live and shares traffic as in the old one.
        unnamed: the regions of a service that names none.

    Raises:
        RegistryError: there is no such service, it is in neither or in both of the regions, or the registry
            has mistakes.
    """
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        regions = offered.regions or tuple(unnamed)
        if old not in regions and new in regions:
            return False
        if old not in regions or new in regions:
            where = "both regions" if new in regions else f"{old} is not a region"
            raise RegistryError(
                f"{service}: {where} of it: {', '.join(regions)}; declare it for {old} alone of the two: "
                f"bluegrid service set {service} regions=..."
            )
        changes: dict[str, object] = {"regions": tuple(new if each == old else each for each in regions)}
        if not isinstance(offered.live, str):
            changes["live"] = _renamed(offered.live, old, new)
        if old in offered.traffic_by_region:
            changes["traffic"] = _renamed(offered.traffic_by_region, old, new)
        opened.change(file, service=offered.model_copy(update=changes))
        return True


def _renamed(by_region: Mapping[str, _Value], old: str, new: str) -> dict[str, _Value]:
    return {new if region == old else region: value for region, value in by_region.items() if region != new}


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
