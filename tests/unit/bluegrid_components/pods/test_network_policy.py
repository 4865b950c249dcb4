"""The network policy of a stack's pods."""

from __future__ import annotations

from typing import Any

import pytest

from bluegrid_components.pods.network_policy import policy


def egress(store: str) -> Any:
    spec: Any = policy(store)
    return spec["egress"]


@pytest.mark.parametrize(
    ("store", "block", "port"),
    [
        ("s3://models/grid?endpoint=http://10.77.0.1:7070", "10.77.0.1/32", 7070),
        ("s3://models/grid?endpoint=https://[fd00::1]&region=north", "fd00::1/128", 443),
        ("s3://models/grid?endpoint=http://store.north.example", None, 80),
        ("s3://models/grid", None, 443),
    ],
)
def test_pods_may_ask_the_store_at_its_address_and_port(store: str, block: str | None, port: int) -> None:
    rule = egress(store)[0]
    assert rule["ports"] == [{"protocol": "TCP", "port": port}]
    assert rule.get("to") == (block and [{"ip_block": {"cidr": block}}])


@pytest.mark.parametrize(
    ("endpoint", "is_allowed"),
    [
        ("http://minio.storage.svc", True),
        ("http://10.96.7.7:9000", True),
        ("http://100.64.0.9:9000", True),
        ("http://[fd00::7]:9000", True),
        ("http://8.8.8.8:9000", False),
        ("", False),
    ],
)
def test_pods_of_the_cluster_may_be_asked_on_any_port_where_a_service_may_be_the_store(
    endpoint: str, is_allowed: bool
) -> None:
    rules = egress(f"s3://models/grid?endpoint={endpoint}")
    assert ({"to": [{"namespace_selector": {}}]} in rules) == is_allowed


@pytest.mark.parametrize("store", ["s3://models/grid", "s3://models/grid?endpoint=http://8.8.8.8:9000"])
def test_pods_with_an_identity_may_ask_for_credentials_and_not_the_node(store: str) -> None:
    plain: Any = policy(store)
    spec: Any = policy(store, with_identity=True)
    added = [rule for rule in spec["egress"] if rule not in plain["egress"] or "to" not in rule]
    assert {"ports": [{"protocol": "TCP", "port": 443}]} in added
    agent = [{"ip_block": {"cidr": "169.254.170.23/32"}}, {"ip_block": {"cidr": "fd00:ec2::23/128"}}]
    assert {"ports": [{"protocol": "TCP", "port": 80}], "to": agent} in added
    assert "169.254.169.254" not in repr(spec)


def test_dns_pods_may_be_asked_on_the_ports_that_they_listen_on() -> None:
    ports = [(each["protocol"], each["port"]) for each in egress("s3://models/grid")[-1]["ports"]]
    assert ports == [("UDP", 53), ("TCP", 53), ("UDP", 5353), ("TCP", 5353)]
    assert "to" not in egress("s3://models/grid")[-1]


def test_pods_are_asked_for_predictions_and_metrics_and_nothing_else() -> None:
    spec: Any = policy("s3://models/grid")
    (rule,) = spec["ingress"]
    assert [port["port"] for port in rule["ports"]] == [12345, 8082]
    assert "from_" not in rule
    assert spec["policy_types"] == ["Ingress", "Egress"]
