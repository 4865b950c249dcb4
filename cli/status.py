"""`bluegrid status`: what runs, asked of Kubernetes itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli import output
from model_registry import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OURS = "app.kubernetes.io/managed-by=bluegrid"
LABEL = "bluegrid.io"


@dataclass(frozen=True)
class ClusterStatus:
    """One cluster as it runs: `state` sums up the states of its pods (seed: module M205)."""

    service: str
    cluster: str
    version: str
    live: bool
    ready: int
    replicas: int
    state: str


def status(
    context: Annotated[
        str, typer.Option(envvar="BLUEGRID_KUBE_CONTEXT", help="The kube context; never the default.")
    ],
    namespace: Annotated[
        str, typer.Option(envvar="BLUEGRID_NAMESPACE", help="The stack's namespace.")
    ] = "bluegrid",
    as_json: output.Json = False,
) -> None:
    """Show every service's clusters: version, live or standby, pods ready and their states."""
    rows = clusters_in(context, namespace)
    if as_json:
        output.emit(as_json=True, data=[asdict(row) for row in rows], text="")
        return
    table = Table("service", "cluster", "version", "route", "ready", "pods", box=None, header_style="bold")
    for row in rows:
        route = "[green]live[/]" if row.live else "standby"
        table.add_row(row.service, row.cluster, row.version, route, f"{row.ready}/{row.replicas}", row.state)
    Console().print(table if rows else f"nothing of bluegrid runs in namespace {namespace} of {context}")


def clusters_in(context: str, namespace: str) -> list[ClusterStatus]:
    """Every bluegrid cluster in one namespace, by service and name.

    Raises:
        ConfigError: the context is not in the kubeconfig, or its API server does not answer or refuses.
    """
    # Here, because it takes as long to load as all the other commands together.
    from kubernetes import client, config
    from kubernetes.client.exceptions import ApiException
    from kubernetes.config.config_exception import ConfigException
    from urllib3.exceptions import HTTPError

    try:
        api = config.new_client_from_config(context=context)  # type: ignore[no-untyped-call]
        selector: Any = {"label_selector": OURS, "_request_timeout": 10}
        deployments = client.AppsV1Api(api).list_namespaced_deployment(namespace, **selector).items
        pods = client.CoreV1Api(api).list_namespaced_pod(namespace, **selector).items
        routes: list[Any] = client.NetworkingV1Api(api).list_namespaced_ingress(namespace, **selector).items
        live = {_backend(route) for route in routes if _is_live(route.metadata.name, route.metadata.labels)}
        live |= _backends_of_gateways(client.CustomObjectsApi(api), namespace)
    except (ConfigException, HTTPError, ApiException) as error:
        reason = str(getattr(error, "reason", error)).splitlines()[0]
        raise ConfigError(f"context {context}: {reason}; see `kubectl config get-contexts`") from error
    return sorted(
        (_row(each, pods, live) for each in deployments), key=lambda row: (row.service, row.cluster)
    )


def _row(deployment: Any, pods: Iterable[Any], live: set[str]) -> ClusterStatus:
    name, labels = deployment.metadata.name, deployment.metadata.labels
    states = sorted(_state(pod) for pod in pods if pod.metadata.labels.get("app") == name)
    return ClusterStatus(
        service=labels[f"{LABEL}/service"],
        cluster=labels[f"{LABEL}/cluster"],
        version=labels[f"{LABEL}/version"],
        live=name in live,
        ready=deployment.status.ready_replicas or 0,
        replicas=deployment.spec.replicas,
        state=", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states)) or "no pods",
    )


def _is_live(name: str, labels: Mapping[str, str]) -> bool:
    return name == labels[f"{LABEL}/service"]


def _backends_of_gateways(api: Any, namespace: str) -> set[str]:
    """The Services that live HTTPRoutes lead to; where Kubernetes knows no HTTPRoutes, there are none."""
    from kubernetes.client.exceptions import ApiException

    kind = {"group": "gateway.networking.k8s.io", "version": "v1", "plural": "httproutes"}
    try:
        routes = api.list_namespaced_custom_object(namespace=namespace, **kind, label_selector=OURS)["items"]
    except ApiException as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return set()
        raise
    return {
        backend["name"]
        for route in routes
        if _is_live(route["metadata"]["name"], route["metadata"]["labels"])
        for backend in route["spec"]["rules"][0]["backendRefs"]
    }


def _backend(route: Any) -> str:
    return str(route.spec.rules[0].http.paths[0].backend.service.name)


def _state(pod: Any) -> str:
    """The word that kubectl shows: a waiting container's reason before the pod's phase."""
    if pod.metadata.deletion_timestamp is not None:
        return "Terminating"
    for container in pod.status.container_statuses or ():
        if container.state.waiting is not None:
            return str(container.state.waiting.reason)
    return str(pod.status.phase)
