"""Whether a stack's URLs are another stack's already.

Of two routes with one host and path a proxy takes either; which one may be another at each of its rebuilds.
Gateway API takes the older one, so that the other stack's clusters would get no requests.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

import pulumi

from bluegrid_components.kubernetes_api.api_server import ApiServerSilent
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
    """What a proxy tells routes by."""

    proxy: str
    """The class of an Ingress, or a Gateway as `namespace/name`."""
    host: str
    """Empty: any."""
    path: str


def require_own_urls(
    server: ApiServer | None, config: ModelServicesArgs, offered: Iterable[OfferedService]
) -> None:
    """Refuse to take URLs that another stack's routes hold on the same proxy, in another namespace.

    Where this stack holds one as well, it is warned and goes on: its way back, and its end, must not wait for
    the other one. Routes of its own that it leaves behind, where its namespace changes, are known by their
    hosts.

    Args:
        server: of the stack's cluster; None: it is not reached, and nothing is known.
        config: of the stack.
        offered: the stack's services.

    Raises:
        ConfigError: a URL is taken.
    """
    routes = _routes(server, with_gateway=config.gateway is not None) if server is not None else []
    elsewhere = [each for each in routes if each["metadata"]["namespace"] != config.namespace]
    held = {url for each in routes if each not in elsewhere for url in _urls(each)}
    services, route_key = [*offered], config.route_key.get_secret_value()
    standing = {
        contract.standing_host(route_key, service.name, cluster, config.standing_domain)
        for service in services
        for cluster in service.clusters
    }
    ours = {each["metadata"]["namespace"] for each in elsewhere if standing & {*_hosts(each)}}
    taken = {
        url: f"{each['metadata']['namespace']}/{each['metadata']['name']}"
        for each in elsewhere
        if each["metadata"]["namespace"] not in ours
        for url in _urls(each)
    }
    for service in services:
        url = _Url(_name(config), config.host or "", contract.service_path(service.name))
        if url in taken:
            fault = f"{config.host or 'any host'} with {url.path} is {taken[url]}'s already, of another stack"
            remedy = "give this stack a host of its own: pulumi config set bluegrid:host NAME"
            if url not in held:
                raise ConfigError(f"bluegrid:host: {fault}; {remedy}")
            pulumi.log.warn(f"bluegrid:host: {fault}, and the proxy takes either; {remedy}")


def _routes(server: ApiServer, *, with_gateway: bool) -> list[dict[str, Any]]:
    """Return the routes that this program has made in the cluster, for any stack."""
    path = _HTTP_ROUTES if with_gateway else _INGRESSES
    ((label, value),) = contract.common_labels().items()
    try:
        status, body = server.get(path, labelSelector=f"{label}={value}")
    except ApiServerSilent:
        # It has gone since it was reached: the first object finds that out.
        return []
    if status == HTTPStatus.FORBIDDEN:
        kind = path.rpartition("/")[2]
        unknown = "whether another stack has the same host and path is not known; bind the role bluegrid-urls"
        pulumi.log.warn(f"this login may not list the {kind} of all namespaces: {unknown}")
    return json.loads(body).get("items") or [] if status == HTTPStatus.OK else []


def _name(config: ModelServicesArgs) -> str:
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
