"""A small stack as the inputs of its resources, and the plan between two such stacks."""

from __future__ import annotations

import copy
from typing import Any

from bluegrid.previews import Plan

OLD_IMAGE, NEW_IMAGE = (f"registry.example/model-server@sha256:{digit * 64}" for digit in "12")
MANIFESTS = {f"v{number}": f"sha256:{str(number) * 64}" for number in range(1, 5)}
PARENTS = {
    "Deployment": "apps/v1",
    "Job": "batch/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "PodDisruptionBudget": "policy/v1",
    "Ingress": "networking.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
}

Stack = dict[str, Any]
"""Inputs of resources by `Kind name`."""


def stack(**of_clusters: Any) -> Stack:
    """Return the stack of one service: d1 is live and serves v1, d2 stands by with v2.

    Args:
        of_clusters: arguments of `cluster`.
    """
    resources: Stack = {
        "Provider kubernetes": {"context": "north", "version": "4.24.1"},
        "Namespace platform": {"metadata": {"name": "bluegrid"}},
        "Secret bluegrid-store": {
            "metadata": {"name": "bluegrid-store", "namespace": "bluegrid"},
            "stringData": "[secret]",
        },
        "Ingress line-loading": live_route("line-loading-d1"),
    }
    for number in (1, 2):
        resources |= cluster(number, **of_clusters)
    return resources


def cluster(
    number: int,
    *,
    replicas: int = 1,
    image: str = OLD_IMAGE,
    manifest: str = "",
    service: str = "line-loading",
    set_id: str = "g1",
    namespace: str = "bluegrid",
    **variables: str,
) -> Stack:
    """Return the resources of a cluster; `variables` are environment variables of its pods."""
    name, version = f"{service}-d{number}", f"v{number}"
    own = {"bluegrid.io/cluster": f"d{number}", "bluegrid.io/version": version}
    of_cluster = labels(service, set_id) | own
    metadata = {"name": name, "namespace": namespace, "labels": of_cluster}
    env = {
        "BLUEGRID_STORE": "s3://models",
        "BLUEGRID_SET": set_id,
        "BLUEGRID_VERSION": version,
        "BLUEGRID_MANIFEST": manifest or MANIFESTS[version],
        "BLUEGRID_TIME_LIMIT": "30",
        **variables,
    }
    limits = {"cpu": "1", "memory": "1Gi"}
    container = {
        "name": "model-server",
        "image": image,
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "resources": {"limits": limits, "requests": limits},
        "securityContext": {"allowPrivilegeEscalation": False},
    }
    template = {
        "metadata": {"labels": of_cluster | {"app": name}},
        "spec": {"containers": [container]},
    }
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}}
    deployment = {"replicas": replicas, "strategy": strategy, "template": template}
    return {
        f"Job {name}-preflight": _made(metadata, {"template": template, "activeDeadlineSeconds": 600}),
        f"Deployment {name}": _made(metadata, deployment),
        f"Service {name}": _made(metadata, {"selector": {"app": name}}),
        f"Ingress {name}": _made(metadata, {"ingressClassName": "contour", "rules": ["[secret]"]}),
    }


def labels(service: str = "line-loading", set_id: str = "g1") -> dict[str, str]:
    return {"bluegrid.io/service": service, "bluegrid.io/set": set_id}


def live_route(
    backend: str, *, host: str = "", ingress_class: str = "contour", tls: str = "", **of_labels: str
) -> dict[str, Any]:
    service = {"name": backend, "port": {"number": 12345}}
    rule = {"http": {"paths": [{"path": "/modelService/x", "backend": {"service": service}}]}}
    spec: dict[str, Any] = {
        "ingressClassName": ingress_class,
        "rules": [rule | ({"host": host} if host else {})],
    }
    if tls:
        spec["tls"] = [{"hosts": [host], "secretName": tls}]
    of = labels(**of_labels)
    return _made({"name": of["bluegrid.io/service"], "namespace": "bluegrid", "labels": of}, spec)


def http_route(name: str, *backends: str, cluster: str = "") -> dict[str, Any]:
    refs = [{"kind": "Service", "name": backend, "weight": 1} for backend in backends]
    spec = {
        "parentRefs": [{"kind": "Gateway", "namespace": "infra", "name": "public"}],
        "rules": [{"backendRefs": refs}],
    }
    of = labels() | ({"bluegrid.io/cluster": cluster} if cluster else {})
    return _made({"name": name, "namespace": "bluegrid", "labels": of}, spec)


def quota(**hard: str) -> dict[str, Any]:
    named = {key.replace("_", "."): most for key, most in hard.items()}
    return _made({"name": "bluegrid", "namespace": "bluegrid"}, {"hard": named})


def with_spec(inputs: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return inputs | {"spec": inputs["spec"] | changed}


def plan_between(
    before: Stack, after: Stack, *, replaced: tuple[str, ...] = (), touched: tuple[tuple[str, str], ...] = ()
) -> Plan:
    """Return the plan of an update.

    Args:
        before: resources before the update.
        after: resources after the update.
        replaced: resources that are replaced instead of updated, in addition to Jobs.
        touched: resources with equal inputs that the provider reports as changed, and the changed path.
    """
    steps = []
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        paths = {path: {"kind": "update"} for touched_name, path in touched if touched_name == name}
        op = "same" if old == new and not paths else "update"
        if old is None or new is None:
            op = "create" if old is None else "delete"
        elif name in replaced or (op == "update" and name.startswith("Job ")):
            op = "replace"
        states = {"oldState": _state(old), "newState": _state(new)}
        steps.append({"op": op, "urn": _urn(name), "detailedDiff": paths or None, **states})
    return Plan.model_validate({"steps": steps})


def _made(metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy({"metadata": metadata, "spec": spec})


def _state(inputs: Any) -> dict[str, Any] | None:
    return None if inputs is None else {"inputs": inputs, "custom": True}


def _urn(name: str) -> str:
    kind, _, own = name.partition(" ")
    token = f"kubernetes:{PARENTS.get(kind, 'core/v1')}:{kind}"
    if kind == "Provider":
        token = "pulumi:providers:kubernetes"
    return f"urn:pulumi:north::bluegrid::{token}::{own}"
