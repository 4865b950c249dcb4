"""What pods may be asked by, and whom they may ask: the route and Prometheus, the store and DNS.

A NetworkPolicy holds only where the cluster's network plugin enforces it.
https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from components import naming

if TYPE_CHECKING:
    from pulumi_kubernetes.networking import v1 as networking

_DNS = 53
_HTTPS = 443


def policy(store: str) -> networking.NetworkPolicySpecArgsDict:
    """Return the policy of all pods of this program in a namespace.

    Args:
        store: URL of the store, `s3://bucket/prefix?endpoint=URL`. Where its endpoint is a name, which no
            policy can hold, its port is open to any address.
    """
    host, port = _endpoint(store)
    block = _block(host)
    to_store: networking.NetworkPolicyEgressRuleArgsDict = {
        "ports": [_tcp(port)],
        **({"to": [{"ip_block": {"cidr": block}}]} if block else {}),
    }
    return {
        "pod_selector": {"match_labels": naming.common_labels()},
        "policy_types": ["Ingress", "Egress"],
        # From anywhere: where the proxy and Prometheus run is not for a stack to know.
        "ingress": [{"ports": [_tcp(naming.PORT), _tcp(naming.METRICS_PORT)]}],
        "egress": [to_store, {"ports": [{"protocol": "UDP", "port": _DNS}, _tcp(_DNS)]}],
    }


def _tcp(port: int) -> networking.NetworkPolicyPortArgsDict:
    return {"protocol": "TCP", "port": port}


def _endpoint(store: str) -> tuple[str, int]:
    endpoint = urlsplit(parse_qs(urlsplit(store).query).get("endpoint", [""])[0])
    return endpoint.hostname or "", endpoint.port or (80 if endpoint.scheme == "http" else _HTTPS)


def _block(host: str) -> str | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return f"{address}/{address.max_prefixlen}"
