"""The proxy and the hosts by which a service is reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bluegrid.previews.service_sentences import Risk
from bluegrid.previews.wording import value
from bluegrid.states.kubernetes_object import dicts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bluegrid.states import KubernetesObject


@dataclass(frozen=True)
class Routing:
    """How requests reach a service.

    Attributes:
        proxy: serves its live route, such as `Ingress class contour` or `Gateway infra/public`.
        hosts: host names that it answers for; empty: any.
        tls_secret: Secret with the certificate; empty: it has none of its own.
        annotations: of its live route, for the proxy's controller.
    """

    proxy: str
    hosts: tuple[str, ...] = ()
    tls_secret: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)


def routings_of(objects: Iterable[KubernetesObject]) -> dict[str, Routing]:
    """Return the routing of each service that has a live route, by service name."""
    return {each.service: _routing(each) for each in objects if each.is_live_route and each.service}


def sentences(old: Routing, new: Routing) -> Iterator[str]:
    """Yield the sentences about a service's URL."""
    if old.proxy != new.proxy:
        yield f"**route** by {new.proxy} instead of {old.proxy}"
    if old.hosts != new.hosts:
        yield f"**host** {_hosts(old)} → {_hosts(new)}"
    for name in sorted({*old.annotations, *new.annotations}):
        before, after = (each.annotations.get(name) for each in (old, new))
        if before != after:
            yield f"annotation of its route: {name} {value(before)} → {value(after)}"
    if old.tls_secret != new.tls_secret:
        yield f"**certificate** {old.tls_secret or 'none'} → {new.tls_secret or 'none'}"


def risks(service: str, old: Routing, new: Routing) -> Iterator[Risk]:
    """Yield how clients could lose the service."""
    if old.proxy != new.proxy:
        message = f"{new.proxy} answers for its URL instead of {old.proxy}; see that DNS leads there first"
        yield Risk(service, message)
    gone = [host for host in old.hosts if host not in new.hosts]
    if gone and new.hosts:
        message = "its URL goes: clients of {} get 404 from then on; move them to {} first"
        yield Risk(service, message.format(_hosts(old), _hosts(new)))
    elif new.hosts and not old.hosts:
        yield Risk(service, f"its URL goes for every host but {_hosts(new)}: clients of others get 404")
    if old.tls_secret and not new.tls_secret:
        yield Risk(service, "its certificate goes: clients that use https are refused from then on")


def _routing(route: KubernetesObject) -> Routing:
    spec = route.spec
    # Pulumi's own annotations direct Pulumi, and mean nothing to a proxy.
    annotations = {key: text for key, text in route.annotations.items() if not key.startswith("pulumi.com/")}
    if route.kind == "HTTPRoute":
        parents = [
            "/".join(str(ref[key]) for key in ("namespace", "name", "sectionName") if key in ref)
            for ref in dicts(spec.get("parentRefs"))
        ]
        hosts = tuple(map(str, spec.get("hostnames") or ()))
        return Routing(f"Gateway {', '.join(parents)}", hosts, annotations=annotations)
    hosts = tuple(str(rule["host"]) for rule in dicts(spec.get("rules")) if "host" in rule)
    tls = ", ".join(str(each.get("secretName", "")) for each in dicts(spec.get("tls")))
    return Routing(f"Ingress class {spec.get('ingressClassName')}", hosts, tls, annotations)


def _hosts(routing: Routing) -> str:
    return ", ".join(routing.hosts) or "any host"
