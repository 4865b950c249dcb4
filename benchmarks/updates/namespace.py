"""The objects of a namespace with any number of services, as Kubernetes returns them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bluegrid.operations import Snapshot
from bluegrid_registry.contract import PORT, cluster_labels, cluster_name, service_labels, service_path

if TYPE_CHECKING:
    from collections.abc import Sequence

_CREATED = "2026-11-25T08:00:00Z"
_CLUSTERS = {"d1": "v1", "d2": "v2"}


def snapshot(names: Sequence[str], at: float) -> Snapshot:
    """Return a snapshot in which every service has two clusters of one ready pod, d2 live.

    Args:
        names: of the services, and of their sets.
        at: its time, in seconds of a monotonic clock.
    """
    clusters = [(name, cluster) for name in names for cluster in _CLUSTERS]
    return Snapshot(
        at,
        datetime.now(UTC),
        [_deployment(*each) for each in clusters],
        [_route(name) for name in names],
        [],
        [_pod(*each) for each in clusters],
        {},
        None,
    )


def _metadata(service: str, cluster: str, name: str) -> dict[str, Any]:
    labels = cluster_labels(service, cluster, service, _CLUSTERS[cluster])
    app = {"app": cluster_name(service, cluster)}
    return {"name": name, "creationTimestamp": _CREATED, "labels": {**labels, **app}}


def _deployment(service: str, cluster: str) -> dict[str, Any]:
    limits = {"cpu": "2", "memory": "2Gi"}
    return {
        "metadata": _metadata(service, cluster, cluster_name(service, cluster)),
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"resources": {"limits": limits}}]}}},
        "status": {"readyReplicas": 1},
    }


def _pod(service: str, cluster: str) -> dict[str, Any]:
    container = {"ready": True, "restartCount": 0, "state": {"running": {}}, "lastState": {}}
    ready = {"type": "Ready", "status": "True"}
    return {
        "metadata": _metadata(service, cluster, f"{cluster_name(service, cluster)}-a"),
        "status": {"phase": "Running", "containerStatuses": [container], "conditions": [ready]},
    }


def _route(service: str) -> dict[str, Any]:
    backend = {"service": {"name": cluster_name(service, "d2"), "port": {"number": PORT}}}
    path = {"path": service_path(service), "backend": backend}
    metadata = {"name": service, "labels": service_labels(service, service)}
    return {"metadata": metadata, "spec": {"rules": [{"http": {"paths": [path]}}]}}
