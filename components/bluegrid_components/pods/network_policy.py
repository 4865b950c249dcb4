"""What pods may be asked by, and whom they may ask: the route and Prometheus, the store and DNS.

A NetworkPolicy holds only where the cluster's network plugin enforces it. Plugins judge a packet after a
Service's address and port have become a pod's: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from bluegrid_registry import contract

if TYPE_CHECKING:
    from pulumi_kubernetes.networking import v1 as networking

    _Egress = networking.NetworkPolicyEgressRuleArgsDict
    _Peer = networking.NetworkPolicyPeerArgsDict
    _Port = networking.NetworkPolicyPortArgsDict

_DNS_PORTS = (53, 5353)
"""What DNS pods listen on: behind port 53 of its Service, OpenShift's do on 5353."""
_HTTP = 80
_HTTPS = 443
_POD_IDENTITY_AGENT = ("169.254.170.23/32", "fd00:ec2::23/128")
_NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label that every namespace has: https://kubernetes.io/docs/reference/labels-annotations-taints/"""


def policy(
    store: str, proxy_namespace: str | None = None, *, with_identity: bool = False
) -> networking.NetworkPolicySpecArgsDict:
    """Return the policy of all pods of this program in a namespace.

    Args:
        store: URL of the store, `s3://bucket/prefix?endpoint=URL`. Where its endpoint is a name, which no
            policy can hold, its port is open to any address. Where a Service of the cluster may answer for
            the endpoint, all pods of the cluster may be asked, on any port.
        proxy_namespace: where the proxy's pods run, from which alone predictions are asked; None: from
            anywhere.
        with_identity: whether pods get their credentials for the store by an identity of their own.
    """
    return {
        "pod_selector": {"match_labels": contract.common_labels()},
        "policy_types": ["Ingress", "Egress"],
        "ingress": _ingress(proxy_namespace),
        "egress": [*_to_store(store), *(_to_credentials() if with_identity else ()), {"ports": _to_dns()}],
    }


def _ingress(proxy_namespace: str | None) -> list[networking.NetworkPolicyIngressRuleArgsDict]:
    if proxy_namespace is None:
        # From anywhere: where the proxy and Prometheus run is not for a stack to know.
        return [{"ports": [_tcp(contract.PORT), _tcp(contract.METRICS_PORT)]}]
    proxy: _Peer = {"namespace_selector": {"match_labels": {_NAMESPACE_NAME: proxy_namespace}}}
    return [{"ports": [_tcp(contract.PORT)], "from_": [proxy]}, {"ports": [_tcp(contract.METRICS_PORT)]}]


def _to_store(store: str) -> list[_Egress]:
    host, port = _endpoint(store)
    block = _block(host)
    at_its_address: _Egress = {
        "ports": [_tcp(port)],
        **({"to": [{"ip_block": {"cidr": block}}]} if block else {}),
    }
    any_pod: _Egress = {"to": [{"namespace_selector": {}}]}
    return [at_its_address, any_pod] if _may_be_a_service(host) else [at_its_address]


def _to_credentials() -> list[_Egress]:
    """Whom an AWS SDK asks: STS, by its name, and EKS' Pod Identity Agent; never the node, for its own role.

    https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html
    """
    agent: list[_Peer] = [{"ip_block": {"cidr": block}} for block in _POD_IDENTITY_AGENT]
    return [{"ports": [_tcp(_HTTPS)]}, {"ports": [_tcp(_HTTP)], "to": agent}]


def _to_dns() -> list[_Port]:
    return [rule for port in _DNS_PORTS for rule in ({"protocol": "UDP", "port": port}, _tcp(port))]


def _tcp(port: int) -> _Port:
    return {"protocol": "TCP", "port": port}


def _endpoint(store: str) -> tuple[str, int]:
    endpoint = urlsplit(parse_qs(urlsplit(store).query).get("endpoint", [""])[0])
    return endpoint.hostname or "", endpoint.port or (_HTTP if endpoint.scheme == "http" else _HTTPS)


def _block(host: str) -> str | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return f"{address}/{address.max_prefixlen}"


def _may_be_a_service(host: str) -> bool:
    """Whether pods of the cluster, on other ports, may answer for a host: a name, or no public address.

    Without an endpoint it is AWS.
    """
    try:
        return not ip_address(host).is_global
    except ValueError:
        return bool(host)
