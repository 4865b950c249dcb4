"""Current state of a stack's services in Kubernetes: clusters of their live routes, numbers of pods."""

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
    from collections.abc import Mapping, Sequence

    from bluegrid_components.kubernetes_api.api_server import ApiServer

_LIVE = ",".join(
    [*(f"{key}={value}" for key, value in contract.common_labels().items()), f"!{contract.LABEL}/cluster"]
)
"""Label selector of live routes: they have the label of the service and no label of a cluster."""


@dataclass(frozen=True)
class PodCount:
    """The pods of a Deployment.

    Attributes:
        desired: number of pods that the Deployment declares.
        ready: number of pods that answer.
        refusal: why Kubernetes cannot create more pods, such as a quota; None if it can.
    """

    desired: int
    ready: int
    refusal: str | None = None


@dataclass(frozen=True)
class ObservedNamespace:
    """The namespace of a stack, read from the API server.

    Attributes:
        server: API server of the stack's cluster.
        namespace: name of the namespace.
        with_gateway: whether the routes are HTTPRoutes; otherwise they are Ingresses.
    """

    server: ApiServer
    namespace: str
    with_gateway: bool

    def weights(self, service: str) -> Mapping[str, int]:
        """Return the weights of the clusters that get a service's requests, by ID; empty without a route.

        Raises:
            ApiServerSilent: there is no response, or this login may not read routes.
        """
        return clusters_of(self._live_routes.get(service, {}).get("spec"), service)

    def pods(self, cluster: str) -> Sequence[PodCount]:
        """Return the numbers of pods of a cluster's Deployments; with shards, there are several.

        Args:
            cluster: `<service>-<cluster>`.

        Raises:
            ApiServerSilent: there is no response, or this login may not read Deployments.
        """
        if document := self._get("apps/v1", f"deployments/{cluster}"):
            return [_count(document)]
        found = self._get("apps/v1", "deployments", labelSelector=f"app={cluster}").get("items") or ()
        return [_count(each) for each in found] or [PodCount(0, 0)]

    def shards(self) -> Mapping[str, int]:
        """Return the numbers of shards of the clusters that run with shards, by name of their Services.

        Raises:
            ApiServerSilent: there is no response, or this login may not read Deployments.
        """
        found = self._get("apps/v1", "deployments", labelSelector=contract.SHARD).get("items") or ()
        labels = [each["metadata"].get("labels") or {} for each in found]
        return {each["app"]: contract.shards_of_labels(each) for each in labels if contract.SHARD in each}

    def runs_whole(self, deployment: str) -> bool:
        """Return whether a cluster runs without shards.

        Raises:
            ApiServerSilent: there is no response, or this login may not read Deployments.
        """
        return "spec" in self._get("apps/v1", f"deployments/{deployment}")

    def why_not_ready(self, deployment: str) -> str | None:
        """Return why a pod is not ready; None if there is no reason, or this login may not read pods."""
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        try:
            status, body = self.server.get(path, labelSelector=f"app={deployment}")
        except ApiServerSilent:
            return None
        pods = json.loads(body).get("items") or () if status == HTTPStatus.OK else ()
        return next((f"{pod['metadata']['name']}: {why}" for pod in pods if (why := _reason(pod))), None)

    @cached_property
    def _live_routes(self) -> Mapping[str, dict[str, Any]]:
        """The live routes by service; one request for all, because a stack may have hundreds."""
        kind = "gateway.networking.k8s.io/v1", "httproutes"
        if not self.with_gateway:
            kind = "networking.k8s.io/v1", "ingresses"
        document = self._get(*kind, labelSelector=_LIVE)
        return {route["metadata"]["name"]: route for route in document.get("items") or ()}

    def _get(self, api: str, path: str, **query: str) -> dict[str, Any]:
        """Return an object or a list; empty if it does not exist."""
        status, body = self.server.get(f"/apis/{api}/namespaces/{self.namespace}/{path}", **query)
        if status == HTTPStatus.NOT_FOUND:
            return {}
        document: dict[str, Any] = json.loads(body) if body.startswith(b"{") else {}
        if status != HTTPStatus.OK:
            raise ApiServerSilent(f"{path}: {document.get('message') or f'status {status}'}")
        return document


def _count(deployment: Mapping[str, Any]) -> PodCount:
    status = deployment.get("status") or {}
    failures = [each for each in status.get("conditions") or () if each["type"] == "ReplicaFailure"]
    return PodCount(
        desired=int((deployment.get("spec") or {}).get("replicas") or 0),
        ready=int(status.get("readyReplicas") or 0),
        refusal=failures[0].get("message") if failures else None,
    )


def _reason(pod: Mapping[str, Any]) -> str | None:
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
