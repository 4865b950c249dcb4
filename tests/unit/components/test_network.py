"""The network policy of a stack's pods."""

from __future__ import annotations

from typing import Any

import pytest

from components.network import policy


def rule_for_the_store(store: str) -> Any:
    spec: Any = policy(store)
    return spec["egress"][0]


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
    rule = rule_for_the_store(store)
    assert rule["ports"] == [{"protocol": "TCP", "port": port}]
    assert rule.get("to") == (block and [{"ip_block": {"cidr": block}}])


def test_pods_are_asked_for_predictions_and_metrics_and_nothing_else() -> None:
    spec: Any = policy("s3://models/grid")
    (rule,) = spec["ingress"]
    assert [port["port"] for port in rule["ports"]] == [12345, 8082]
    assert spec["policy_types"] == ["Ingress", "Egress"]
