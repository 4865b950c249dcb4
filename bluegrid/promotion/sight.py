"""What a look at a region shows of one service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid.operations import live_clusters
from bluegrid.operations.api import LABEL

if TYPE_CHECKING:
    from bluegrid.operations import Look


def live_in(seen: Look, service: str) -> tuple[str, ...]:
    """Return the clusters that get a service's requests, the live one first; none: it is not online."""
    return live_clusters((*seen.ingresses, *seen.http_routes), service)


def pods(seen: Look, name: str) -> tuple[int, int]:
    """Return how many pods of a Deployment are ready, and how many it is to have."""
    for deployment in seen.deployments:
        if deployment["metadata"]["name"] == name:
            return deployment["status"].get("readyReplicas", 0), deployment["spec"]["replicas"]
    return 0, 0


def version_of(seen: Look, name: str) -> str:
    """Return the version that a Deployment serves; empty: there is no such Deployment."""
    for deployment in seen.deployments:
        if deployment["metadata"]["name"] == name:
            return str(deployment["metadata"]["labels"][f"{LABEL}/version"])
    return ""
