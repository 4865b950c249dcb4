"""NetworkPolicy of the pods: connections from proxy and Prometheus, connections to store and DNS.

A NetworkPolicy works only if the cluster's network plugin enforces it. Plugins match packets after the
address and port of a Service are translated to those of a pod: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from bluegrid_registry import contract

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_kubernetes.networking import v1 as networking

    _Egress = networking.NetworkPolicyEgressRuleArgsDict
    _Peer = networking.NetworkPolicyPeerArgsDict
    _Port = networking.NetworkPolicyPortArgsDict

_DNS_PORTS = (53, 5353)
"""Ports of DNS pods. OpenShift's pods listen on 5353, behind port 53 of their Service."""
_HTTP = 80
_HTTPS = 443
_POD_IDENTITY_AGENT = ("169.254.170.23/32", "fd00:ec2::23/128")
_NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""Label of every namespace: https://kubernetes.io/docs/reference/labels-annotations-taints/"""


def policy(
    store: str, proxy_namespace: str | None = None, *, with_identity: bool = False
) -> networking.NetworkPolicySpecArgsDict:
    """Return the policy of all pods of this program in a namespace.

    Args:
        store: URL of the store, `s3://bucket/prefix?endpoint=URL`. A policy cannot hold a host name: if the
            endpoint is a name, its port is open to any address. If a Service of the cluster may be the
            endpoint, all pods of the cluster are open, on any port.
        proxy_namespace: namespace of the proxy's pods, which alone may request predictions; None: any may.
        with_identity: whether pods get store credentials from their own cloud identity.
    """
    return {
        "pod_selector": {"match_labels": contract.common_labels()},
        "policy_types": ["Ingress", "Egress"],
        "ingress": _ingress(proxy_namespace),
        "egress": [*_to_store(store), *(_to_credentials() if with_identity else ()), {"ports": _to_dns()}],
    }


def between(pods: Mapping[str, str]) -> networking.NetworkPolicySpecArgsDict:
    """Return the policy that, beside others, permits predictions between the pods with these labels."""
    peer: _Peer = {"pod_selector": {"match_labels": pods}}
    return {
        "pod_selector": {"match_labels": pods},
        "policy_types": ["Ingress", "Egress"],
        "ingress": [{"ports": [_tcp(contract.PORT)], "from_": [peer]}],
        "egress": [{"ports": [_tcp(contract.PORT)], "to": [peer]}],
    }


def _ingress(proxy_namespace: str | None) -> list[networking.NetworkPolicyIngressRuleArgsDict]:
    if proxy_namespace is None:
        # From anywhere: the stack does not know where the proxy and Prometheus run.
        return [{"ports": [_tcp(contract.PORT), _tcp(contract.METRICS_PORT)]}]
    proxy: _Peer = {"namespace_selector": {"match_labels": {_NAMESPACE_NAME: proxy_namespace}}}
    return [{"ports": [_tcp(contract.PORT)], "from_": [proxy]}, {"ports": [_tcp(contract.METRICS_PORT)]}]


def _to_store(store: str) -> list[_Egress]:
    host, port = _endpoint(store)
    block = _block(host)
    to_endpoint: _Egress = {
        "ports": [_tcp(port)],
        **({"to": [{"ip_block": {"cidr": block}}]} if block else {}),
    }
    to_pods: _Egress = {"to": [{"namespace_selector": {}}]}
    return [to_endpoint, to_pods] if _may_be_a_service(host) else [to_endpoint]


def _to_credentials() -> list[_Egress]:
    """Allow what AWS SDKs need: STS by host name, and the EKS Pod Identity Agent.

    The node's metadata service, with the node's own role, stays closed, unless the store is named by host and
    plain http: then port 80 of every address is open.

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
    """Return whether the host may be a Service of the cluster: a name, or an address that is not public.

    A store without an endpoint is AWS.
    """
    try:
        return not ip_address(host).is_global
    except ValueError:
        return bool(host)
