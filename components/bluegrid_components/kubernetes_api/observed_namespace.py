"""What Kubernetes says of a stack's services now: whom their live routes lead to, and of how many pods."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bluegrid_components.kubernetes_api.api_server import ApiServerSilent
from bluegrid_registry import contract
from bluegrid_registry.route_backends import clusters_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bluegrid_components.kubernetes_api.api_server import ApiServer

_LIVE = ",".join(
    [*(f"{key}={value}" for key, value in contract.common_labels().items()), f"!{contract.LABEL}/cluster"]
)
"""Of routes: those of a service, and of no cluster."""


@dataclass(frozen=True)
class PodCount:
    """The pods of a Deployment.

    Attributes:
        wanted: how many there are to be.
        ready: how many answer.
        refusal: why Kubernetes makes no more of them, such as a quota; None: it does.
    """

    wanted: int
    ready: int
    refusal: str | None = None


@dataclass(frozen=True)
class ObservedNamespace:
    """A stack's namespace.

    Attributes:
        server: of its cluster.
        namespace: its name.
        with_gateway: whether its routes are HTTPRoutes; otherwise they are Ingresses.
    """

    server: ApiServer
    namespace: str
    with_gateway: bool

    def weights(self, service: str) -> Mapping[str, int]:
        """Return the weight of each cluster that gets a service's requests, by ID; none: it has no route.

        Raises:
            ApiServerSilent: it is not answered, or we may not see routes.
        """
        return clusters_of(self._live_routes.get(service, {}).get("spec"), service)

    def pods(self, deployment: str) -> PodCount:
        """Return the pods of a Deployment; none where there is none.

        Raises:
            ApiServerSilent: it is not answered, or we may not see Deployments.
        """
        found = self._get("apps/v1", f"deployments/{deployment}")
        status = found.get("status") or {}
        failures = [each for each in status.get("conditions") or () if each["type"] == "ReplicaFailure"]
        return PodCount(
            wanted=int((found.get("spec") or {}).get("replicas") or 0),
            ready=int(status.get("readyReplicas") or 0),
            refusal=failures[0].get("message") if failures else None,
        )

    def why_not_ready(self, deployment: str) -> str | None:
        """Return what is said of a pod that is not ready; None: nothing is, or we may not see pods."""
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        try:
            status, body = self.server.get(path, labelSelector=f"app={deployment}")
        except ApiServerSilent:
            return None
        pods = json.loads(body).get("items") or () if status == HTTPStatus.OK else ()
        return next((f"{pod['metadata']['name']}: {why}" for pod in pods if (why := _why(pod))), None)

    @cached_property
    def _live_routes(self) -> Mapping[str, dict[str, Any]]:
        """By service: of all in one question, since a stack may have hundreds."""
        kind = "gateway.networking.k8s.io/v1", "httproutes"
        if not self.with_gateway:
            kind = "networking.k8s.io/v1", "ingresses"
        found = self._get(*kind, labelSelector=_LIVE)
        return {each["metadata"]["name"]: each for each in found.get("items") or ()}

    def _get(self, api: str, path: str, **query: str) -> dict[str, Any]:
        """Return an object, or a list; an empty one where there is none."""
        status, body = self.server.get(f"/apis/{api}/namespaces/{self.namespace}/{path}", **query)
        if status == HTTPStatus.NOT_FOUND:
            return {}
        document: dict[str, Any] = json.loads(body) if body.startswith(b"{") else {}
        if status != HTTPStatus.OK:
            raise ApiServerSilent(f"{path}: {document.get('message') or f'status {status}'}")
        return document


def _why(pod: Mapping[str, Any]) -> str | None:
    status = pod.get("status") or {}
    containers = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    waiting = [(each.get("state") or {}).get("waiting") or {} for each in containers]
    unscheduled = [
        each
        for each in status.get("conditions") or ()
        if each["type"] == "PodScheduled" and each["status"] == "False"
    ]
    reasons = [each.get("message") or each.get("reason") for each in (*unscheduled, *waiting) if each]
    return next(filter(None, reasons), None)
