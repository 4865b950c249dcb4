"""Rules, monitors and dashboard name what the servers and the pods have, and the page on them is complete."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from bluegrid_registry import ModelType, contract
from bluegrid_server.metrics import Metrics
from bluegrid_server.settings import Settings
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = CHECKOUT / "bluegrid" / "observability" / "files"
PAGE = CHECKOUT / "docs" / "operations" / "observability.md"

OTHERS = {
    "up",
    "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes",
    "kube_deployment_spec_replicas",
    "kube_deployment_status_replicas_available",
    "kube_horizontalpodautoscaler_spec_max_replicas",
    "kube_horizontalpodautoscaler_status_current_replicas",
    "kube_ingress_path",
    "kube_job_failed",
    "kube_pod_container_resource_limits",
    "kube_pod_container_status_restarts_total",
    "kube_pod_container_status_waiting_reason",
    "kube_service_info",
}
"""Metrics of Prometheus itself, the kubelet and kube-state-metrics.

https://github.com/kubernetes/kube-state-metrics/tree/main/docs/metrics
"""
WORDS = {"and", "or", "unless", "on", "by", "group_left", "sum", "max", "count"}
"""Words of PromQL that no parenthesis of a function follows directly."""


def of_the_model_server() -> set[str]:
    """Return the series that a pod has, after a request that failed."""
    metrics = Metrics(
        Settings(
            store="file:///models",
            set="g1",
            version="v1",
            manifest="sha256:" + "a" * 64,
            type=ModelType.parse("scikit-learn/skops"),
            service="loading",
            cluster="d1",
        ),
        fallbacks=("flatliner",),
    )
    metrics.answered(500, 0.1)
    samples = (sample for family in metrics.registry.collect() for sample in family.samples)
    return {sample.name for sample in samples if not sample.name.endswith("_created")}


def of_the_update_server() -> set[str]:
    """Return the metrics that the update server's code names."""
    source = (CHECKOUT / "bluegrid" / "updates" / "health.py").read_text()
    return set(re.findall(r'"(bluegrid_[a-z_]+)"', source))


def metrics_in(expression: str) -> set[str]:
    """Return the names of the metrics in an expression of PromQL."""
    text = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]', " ", re.sub(r'"[^"]*"', "", expression))
    text = re.sub(r"\b(by|on|group_left)\s*\([^)]*\)", " ", text)
    return {*re.findall(r"(?<![\w:.])[a-z_][\w:]*(?![\w:]*\s*\()", text)} - WORDS


def read(name: str) -> Any:
    return YAML(typ="safe").load(FILES / name)


def rules() -> list[dict[str, Any]]:
    return [rule for group in read("rules.yaml")["spec"]["groups"] for rule in group["rules"]]


def recorded() -> set[str]:
    return {rule["record"] for rule in rules() if "record" in rule}


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FILES / "dashboard.json").read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def expressions_of_the_dashboard() -> Iterator[str]:
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"]


def test_the_metrics_of_an_expression_are_found() -> None:
    expression = (
        'sum by (pod) (rate(a_total{pod="b_total"}[5m])) / on (pod) group_left () c:d:rate5m > 1.4 * 0.01'
    )
    assert metrics_in(expression) == {"a_total", "c:d:rate5m"}


def test_every_metric_of_both_servers_is_in_the_dashboard() -> None:
    own = of_the_model_server() | of_the_update_server()
    assert len(own) > 17
    behind_rules = set().union(*(metrics_in(rule["expr"]) for rule in rules() if "record" in rule))
    shown = set().union(*map(metrics_in, expressions_of_the_dashboard()))
    assert own - shown == set()
    assert "model_infer_request_duration_seconds_bucket" in behind_rules


def test_the_dashboard_uses_metrics_that_exist() -> None:
    known = of_the_model_server() | of_the_update_server() | recorded() | OTHERS
    assert [
        (expression, unknown)
        for expression in expressions_of_the_dashboard()
        if (unknown := metrics_in(expression) - known)
    ] == []


def test_the_rules_use_metrics_that_exist() -> None:
    known = of_the_model_server() | of_the_update_server() | recorded() | OTHERS
    assert [(rule, unknown) for rule in rules() if (unknown := metrics_in(rule["expr"]) - known)] == []


def test_panels_of_the_dashboard_have_ids_of_their_own_and_do_not_overlap() -> None:
    places = [
        (x, y)
        for panel in panels()
        for box in [panel["gridPos"]]
        for x in range(box["x"], box["x"] + box["w"])
        for y in range(box["y"], box["y"] + box["h"])
    ]
    assert len({*places}) == len(places)
    assert max(x for x, _ in places) < 24
    ids = [panel["id"] for panel in panels()]
    assert len({*ids}) == len(ids)


def test_the_monitor_finds_pods_by_the_labels_and_the_port_that_they_have() -> None:
    labels = contract.cluster_labels("line-loading", "d1", "g1", "v1")
    spec = read("podmonitor.yaml")["spec"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    assert {each["key"] for each in spec["selector"]["matchExpressions"]} <= labels.keys()
    (endpoint,) = spec["podMetricsEndpoints"]
    assert endpoint["port"] == "metrics"
    sources = [source for each in endpoint["relabelings"] for source in each["sourceLabels"]]
    known = {f"__meta_kubernetes_pod_label_{re.sub(r'[^a-zA-Z0-9_]', '_', label)}" for label in labels}
    assert {*sources} <= known


def test_every_alert_says_what_it_is_and_where_to_read_on() -> None:
    headings = re.findall(r"^#+ (\w+)$", PAGE.read_text(), re.MULTILINE)
    for rule in rules():
        if "alert" not in rule:
            continue
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert {*rule["annotations"]} == {"summary", "description", "runbook_url"}
        url, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert url.endswith("/docs/operations/observability.md")
        assert anchor == rule["alert"].lower()
        assert rule["alert"] in headings


@pytest.mark.parametrize("name", ["rules.yaml", "podmonitor.yaml", "updates.yaml"])
def test_each_manifest_can_be_applied_in_any_namespace(name: str) -> None:
    manifest = read(name)
    assert manifest["apiVersion"].startswith("monitoring.coreos.com/")
    assert "namespace" not in manifest["metadata"]
