"""The live route of a service, an Ingress or an HTTPRoute, and the clusters that it leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid.operations.api import OURS
from bluegrid_registry.contract import LABEL, service_path
from bluegrid_registry.route_backends import clusters_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bluegrid.operations.api import Namespace, Object


def ask_live_clusters(namespace: Namespace, service: str) -> tuple[str, ...]:
    """Return the clusters that get a service's requests, the live one first; empty: it is not online.

    Raises:
        KubernetesError: the API server does not answer, or this login may not list Ingresses.
    """
    selector = f"{OURS},{LABEL}/service={service}"
    ingresses = namespace.objects("apis/networking.k8s.io/v1/ingresses", selector)
    return live_clusters((*ingresses, *namespace.http_routes(selector)), service)


def live_clusters(routes: Iterable[Object], service: str) -> tuple[str, ...]:
    """Return the same as `ask_live_clusters`, from routes that have been read already."""
    return next(
        (tuple(clusters_of(each["spec"], service)) for each in routes if each["metadata"]["name"] == service),
        (),
    )


def url_of(routes: Iterable[Object], service: str, address: str | None = None) -> str | None:
    """Return the URL of a service from its live route, without a host if none is known.

    Args:
        routes: of the namespace.
        service: name of the service.
        address: URL of the proxy, for a route without a host of its own; None: not known.

    Returns:
        None if there is no live route.
    """
    for route in routes:
        if route["metadata"]["name"] == service:
            return f"{_origin(route, (address or '').rstrip('/'))}{service_path(service)}"
    return None


def _origin(route: Object, address: str) -> str:
    spec = route["spec"]
    if "parentRefs" in spec:
        host = next(iter(spec.get("hostnames", ())), "")
        # The Gateway decides on the scheme, and the address has it.
        scheme = f"{address.partition('://')[0]}://" if host and address else ""
        return f"{scheme}{host}" if host else address
    addresses = route.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
    named = spec["rules"][0].get("host")
    host = named or addresses[0].get("hostname") or addresses[0].get("ip")
    if not named and address:
        return address
    return f"{'https' if spec.get('tls') else 'http'}://{host}" if host else ""
