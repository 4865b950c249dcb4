"""What a look at a region shows of one service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations.api import LABEL

if TYPE_CHECKING:
    from operations import Look
    from operations.api import Object


def live_in(seen: Look, service: str) -> str | None:
    """Return the cluster that a service's Ingress points at; None: there is no such Ingress."""
    for ingress in seen.ingresses:
        if ingress["metadata"]["name"] == service:
            return backend_of(ingress)
    return None


def backend_of(ingress: Object) -> str:
    """Return the cluster that a live route points at."""
    service = ingress["metadata"]["labels"][f"{LABEL}/service"]
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]
    return str(backend["service"]["name"]).removeprefix(f"{service}-")


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
