"""Refuses URLs that another stack already holds.

If two routes have the same host and path, a proxy uses either of them, and may change its choice whenever it
rebuilds its configuration. Gateway API uses the older route, so the clusters of the newer route get no
requests.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

import pulumi

from bluegrid_components.kubernetes_api.api_server import ApiServerSilent
from bluegrid_components.partial_update import updated_services
from bluegrid_components.routes.gateway import Gateway
from bluegrid_registry import contract
from bluegrid_registry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bluegrid_components.kubernetes_api.api_server import ApiServer
    from bluegrid_components.model_services_args import ModelServicesArgs
    from bluegrid_registry import OfferedService

_INGRESSES = "/apis/networking.k8s.io/v1/ingresses"
_HTTP_ROUTES = "/apis/gateway.networking.k8s.io/v1/httproutes"


class _Url(NamedTuple):
    """What distinguishes routes for a proxy."""

    proxy: str
    """The class of an Ingress, or a Gateway as `namespace/name`."""
    host: str
    """Empty for any host."""
    path: str


def require_own_urls(
    server: ApiServer | None, config: ModelServicesArgs, offered: Iterable[OfferedService]
) -> None:
    """Refuse URLs that routes of another stack hold on the same proxy, in another namespace.

    If this stack already holds the URL too, the update only warns: a rollback or the removal of this stack
    must not depend on the other stack. If this stack's namespace changes, its routes in the old namespace are
    recognized by their hosts.

    Args:
        server: API server of the stack's cluster; None if it cannot be reached: nothing is checked then.
        config: settings of the stack.
        offered: the stack's services.

    Raises:
        ConfigError: another stack holds a URL.
    """
    routes = _routes(server, with_gateway=config.gateway is not None) if server is not None else []
    foreign = [route for route in routes if route["metadata"]["namespace"] != config.namespace]
    held = {url for route in routes if route not in foreign for url in _urls(route)}
    services, route_key = [*offered], config.route_key.get_secret_value()
    standing = {
        contract.standing_host(route_key, service.name, cluster, config.standing_domain)
        for service in services
        for cluster in service.clusters
    }
    old_namespaces = {route["metadata"]["namespace"] for route in foreign if standing & {*_hosts(route)}}
    taken = {
        url: f"{route['metadata']['namespace']}/{route['metadata']['name']}"
        for route in foreign
        if route["metadata"]["namespace"] not in old_namespaces
        for url in _urls(route)
    }
    for service in services:
        url = _Url(_proxy_name(config), config.host or "", contract.service_path(service.name))
        if url in taken:
            host = config.host or "any host"
            fault = f"{host} with {url.path} already belongs to {taken[url]} of another stack"
            command = f"pulumi config set --stack {pulumi.get_stack()} bluegrid:host NAME"
            remedy = f"give this stack a host of its own: {command}"
            if url not in held:
                raise ConfigError(f"bluegrid:host: {fault}; {remedy}")
            pulumi.log.warn(f"bluegrid:host: {fault}, and the proxy takes either; {remedy}")


def _routes(server: ApiServer, *, with_gateway: bool) -> list[dict[str, Any]]:
    """Return the routes that this program has made for all stacks in the cluster.

    In an update of some services, only the routes of services with the same names: others have other paths.
    """
    path = _HTTP_ROUTES if with_gateway else _INGRESSES
    ((label, value),) = contract.common_labels().items()
    selector = f"{label}={value}"
    if (updated := updated_services()) is not None:
        selector = f"{selector},{contract.LABEL}/service in ({','.join(sorted(updated))})"
    try:
        status, body = server.get(path, labelSelector=selector)
    except ApiServerSilent:
        # The server has stopped answering: the registration of the first object reports this.
        return []
    if status == HTTPStatus.FORBIDDEN:
        kind = path.rpartition("/")[2]
        unknown = "whether another stack has the same host and path is not known; bind the role bluegrid-urls"
        pulumi.log.warn(f"this login may not list the {kind} of all namespaces: {unknown}")
    return json.loads(body).get("items") or [] if status == HTTPStatus.OK else []


def _proxy_name(config: ModelServicesArgs) -> str:
    if config.gateway is None:
        return config.ingress_class or ""
    gateway = Gateway.parse(config.gateway)
    return f"{gateway.namespace}/{gateway.name}"


def _urls(route: Mapping[str, Any]) -> Iterator[_Url]:
    spec = route["spec"]
    for rule in spec.get("rules") or ():
        for path in (rule.get("http") or {}).get("paths") or ():
            yield _Url(spec.get("ingressClassName") or "", rule.get("host") or "", path.get("path") or "")
        for match in rule.get("matches") or ():
            for parent in spec.get("parentRefs") or ():
                gateway = f"{parent.get('namespace') or route['metadata']['namespace']}/{parent['name']}"
                for host in spec.get("hostnames") or ("",):
                    yield _Url(gateway, host, (match.get("path") or {}).get("value") or "")


def _hosts(route: Mapping[str, Any]) -> Iterator[str]:
    return (url.host for url in _urls(route))
