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


def url_of(routes: Iterable[Object], service: str) -> str | None:
    """Return the URL of a service from its live route, without a host if the route has none.

    None: there is no live route.
    """
    for route in routes:
        if route["metadata"]["name"] == service:
            return f"{_origin(route)}{service_path(service)}"
    return None


def _origin(route: Object) -> str:
    spec = route["spec"]
    if "parentRefs" in spec:
        return str(next(iter(spec.get("hostnames", ())), ""))  # the Gateway decides on the scheme
    addresses = route.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
    host = spec["rules"][0].get("host") or addresses[0].get("hostname") or addresses[0].get("ip")
    return f"{'https' if spec.get('tls') else 'http'}://{host}" if host else ""
