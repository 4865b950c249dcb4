"""Objects of Kubernetes as its API returns them, reduced to the fields that are read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bluegrid.operations import Snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bluegrid.operations.snapshot import PodReport

MADE = "2026-11-25T08:00:00Z"
NOW = datetime(2026, 11, 25, 8, 5, tzinfo=UTC)


def _labels(cluster: str | None, version: str = "v1") -> dict[str, str]:
    labels = {"bluegrid.io/service": "loading", "bluegrid.io/set": "g1"}
    of_cluster = {"bluegrid.io/cluster": cluster, "bluegrid.io/version": version, "app": f"loading-{cluster}"}
    return labels | {key: value for key, value in of_cluster.items() if cluster and value}


def pod(name: str, cluster: str = "d1", **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": _labels(cluster), "creationTimestamp": MADE},
        "status": {"phase": "Running", **status},
    }


def container(*, ready: bool = True, restarts: int = 0, last: Any = None, **state: Any) -> dict[str, Any]:
    return {
        "ready": ready,
        "restartCount": restarts,
        "state": state or {"running": {"startedAt": MADE}},
        "lastState": {"terminated": last} if last else {},
    }


READY = {"type": "Ready", "status": "True"}


def running(name: str, cluster: str = "d1") -> dict[str, Any]:
    return pod(name, cluster, containerStatuses=[container()], conditions=[READY])


def deployment(cluster: str, version: str, replicas: int, ready: int, **status: Any) -> dict[str, Any]:
    limits = {"cpu": "2", "memory": "2Gi"}
    return {
        "metadata": {
            "name": f"loading-{cluster}",
            "labels": _labels(cluster, version),
            "creationTimestamp": MADE,
        },
        "spec": {
            "replicas": replicas,
            "template": {"spec": {"containers": [{"resources": {"limits": limits}}]}},
        },
        "status": {"readyReplicas": ready, **status},
    }


def autoscaler(cluster: str, least: int, most: int, declared_min: int | None = None) -> dict[str, Any]:
    """Return an autoscaler for 70 % CPU; a switch has raised it if `declared_min` differs."""
    metric = {"resource": {"name": "cpu", "target": {"averageUtilization": 70}}}
    annotations = {} if declared_min is None else {"bluegrid.io/declared-min": str(declared_min)}
    return {
        "metadata": {
            "name": f"loading-{cluster}",
            "labels": _labels(cluster),
            "annotations": annotations,
        },
        "spec": {"minReplicas": least, "maxReplicas": most, "metrics": [metric]},
    }


def live_route(cluster: str) -> dict[str, Any]:
    backend = {"service": {"name": f"loading-{cluster}", "port": {"number": 12345}}}
    return {
        "metadata": {"name": "loading", "labels": _labels(None)},
        "spec": {"rules": [{"http": {"paths": [{"path": "/modelService/loading", "backend": backend}]}}]},
    }


def shared_route(**weights: int) -> dict[str, Any]:
    backends = [{"name": f"loading-{cluster}", "weight": weight} for cluster, weight in weights.items()]
    return {
        "metadata": {"name": "loading", "labels": _labels(None)},
        "spec": {"rules": [{"backendRefs": backends}]},
    }


def snapshot_of(
    deployments: list[dict[str, Any]],
    routes: list[dict[str, Any]],
    pods: list[dict[str, Any]],
    reports: dict[str, PodReport] | None = None,
    at: float = 0.0,
    autoscalers: Sequence[dict[str, Any]] = (),
) -> Snapshot:
    return Snapshot(at, NOW, deployments, routes, [], pods, reports or {}, None, autoscalers)


def named(thing: dict[str, Any], service: str) -> dict[str, Any]:
    """Move an object of service `loading` to another service."""
    named: dict[str, Any] = json.loads(json.dumps(thing).replace("loading", service))
    named["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "bluegrid"
    named["metadata"]["namespace"] = "bluegrid"
    return named


def objects(services: int) -> dict[str, list[dict[str, Any]]]:
    """Return the objects of this many services, each with two clusters of two pods."""
    names = [f"service{number}" for number in range(services)]
    return {
        "deployments": [
            named(deployment(cluster, "v1", 2, 2), name) for name in names for cluster in ("d1", "d2")
        ],
        "ingresses": [named(live_route("d1"), name) for name in names],
        "pods": [
            named(running(f"loading-{cluster}-{pod}", cluster), name)
            for name in names
            for cluster in ("d1", "d2")
            for pod in "ab"
        ],
    }
