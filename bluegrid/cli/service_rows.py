"""The rows of services, for commands that list or show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bluegrid_registry.counts import counted

if TYPE_CHECKING:
    from bluegrid.project import Place
    from bluegrid_registry import Cluster, RegistryFile, Service

COLUMNS = ("service", "set", "live", "clusters", "regions", "url")


def row_of(file: RegistryFile, region: str | None, place: Place) -> dict[str, Any]:
    """Return the row of a file's service.

    Args:
        file: a file with a service.
        region: the region whose live cluster is in the row; None: those of all regions.
        place: the stack whose file names the host, if there is one.
    """
    service = file.service
    assert service is not None  # noqa: S101 - the caller's choice of files
    return {
        "service": service.name,
        "set": file.set.id,
        "live": live_of(service) if region is None else service.live_in(region),
        "clusters": [cluster.id for cluster in service.clusters],
        "regions": None if service.regions is None else [*service.regions],
        "url": place.url_of(service.name),
    }


def live_of(service: Service) -> str | dict[str, str]:
    """Return the live cluster, or those by region if regions differ."""
    return service.live if isinstance(service.live, str) else dict(service.live)


def where_live(service: Service, cluster: str) -> bool | list[str]:
    """Return whether a cluster is live; the regions in which it is if regions differ."""
    if isinstance(service.live, str):
        return service.live == cluster
    return [region for region, live in service.live.items() if live == cluster] or False


def pods(cluster: Cluster) -> str:
    """Return the number of a cluster's pods: of each of its shards, if it has any."""
    return f"{_times(cluster)}{cluster.autoscaling or cluster.replicas}"


def cluster_line(cluster: Cluster) -> str:
    """Return a cluster as one line for people."""
    replicas = cluster.autoscaling or counted(cluster.replicas, "replica")
    return f"cluster {cluster.id}: version {cluster.version}, {_times(cluster)}{replicas}"


def _times(cluster: Cluster) -> str:
    return f"{cluster.shards} x " if cluster.shards > 1 else ""


def facts(data: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested data as one row, with the paths of keys that `cluster set` takes."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict) and value:
            found.update(facts(value, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = value
    return found
