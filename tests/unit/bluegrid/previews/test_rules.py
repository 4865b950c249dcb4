"""The rules: each is broken once, by an object that keeps all the others."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bluegrid.previews import Finding, Level, Plan, check_objects, check_plan
from bluegrid.states import KubernetesObject

IMAGE = f"registry.example/model-server@sha256:{'0' * 64}"
CONTAINER = {
    "name": "model-server",
    "image": IMAGE,
    "resources": {"limits": {"cpu": "2", "memory": "2Gi"}},
    "securityContext": {"allowPrivilegeEscalation": False},
}


def workload(
    kind: str = "Deployment", container: dict[str, Any] | None = None, pod: dict[str, Any] | None = None
) -> KubernetesObject:
    spec = {"template": {"spec": {"containers": [container or CONTAINER], **(pod or {})}}}
    inputs = {"metadata": {"name": "line-loading-d1"}, "spec": spec}
    return KubernetesObject(type=f"kubernetes:apps/v1:{kind}", inputs=inputs)


def changed(path: str, value: Any) -> dict[str, Any]:
    container: Any = copy.deepcopy(CONTAINER)
    *parents, last = path.split(".")
    place = container
    for name in parents:
        place = place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return dict(container)


def rules(findings: list[Finding]) -> list[str]:
    return [finding.rule for finding in findings]


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_a_workload_that_keeps_all_rules_has_no_findings(kind: str) -> None:
    assert check_objects([workload(kind)]) == []


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("image", "registry.example/model-server:1", "image-by-digest"),
        ("image", "registry.example/model-server@sha256:12", "image-by-digest"),
        ("resources.limits.memory", None, "limits-are-set"),
        ("resources.limits.cpu", None, "limits-are-set"),
        ("securityContext.allowPrivilegeEscalation", None, "no-privileges"),
        ("securityContext.privileged", True, "no-privileges"),
    ],
)
def test_a_container_that_breaks_a_rule_is_found(path: str, value: Any, rule: str) -> None:
    (finding,) = check_objects([workload(container=changed(path, value))])
    assert finding.rule == rule
    assert finding.level is Level.MANDATORY
    assert str(finding).startswith("Deployment line-loading-d1: container model-server ")


@pytest.mark.parametrize("sharing", ["hostNetwork", "hostPID", "hostIPC"])
def test_a_pod_that_shares_the_node_s_namespaces_is_found(sharing: str) -> None:
    assert rules(check_objects([workload(pod={sharing: True})])) == ["no-privileges"]


def step(op: str, kind: str, name: str, old: Any = None, new: Any = None) -> dict[str, Any]:
    def state(spec: Any) -> dict[str, Any]:
        labels = {"bluegrid.io/service": "line-loading", "bluegrid.io/set": "g1"}
        if name != "line-loading":
            labels |= {"bluegrid.io/cluster": name[-2:], "bluegrid.io/version": f"v{name[-1]}"}
        return {"inputs": {"metadata": {"name": name, "labels": labels}, "spec": spec}}

    urn = f"urn:pulumi:north::bluegrid::bluegrid:serving:ModelCluster$kubernetes:core/v1:{kind}::{name}"
    states = {"oldState": state(old) if old else None, "newState": state(new) if new else None}
    return {"op": op, "urn": urn, **states}


def route_to(backend: str) -> dict[str, Any]:
    service = {"name": backend, "port": {"number": 12345}}
    return {"rules": [{"http": {"paths": [{"path": "/modelService/x", "backend": {"service": service}}]}}]}


def plan(*steps: dict[str, Any]) -> Plan:
    return Plan.model_validate({"steps": steps})


PODS = {"replicas": 1, "template": {"spec": {"containers": [CONTAINER]}}}
D1, D2 = "line-loading-d1", "line-loading-d2"


def test_a_route_to_a_service_that_is_not_declared_is_found() -> None:
    (finding,) = check_plan(
        plan(
            step("same", "Deployment", D1, PODS, PODS),
            step("same", "Service", D1, {"selector": {}}, {"selector": {"app": D1}}),
            step("update", "Ingress", "line-loading", route_to(D1), route_to(D2)),
        )
    )
    assert str(finding) == (
        "Ingress line-loading: its backend line-loading-d2 is not declared; declare it "
        "(route-leads-somewhere, mandatory)"
    )


def test_a_route_whose_rules_are_secret_is_passed_over() -> None:
    hidden = {"rules": ["[secret]"]}
    assert check_plan(plan(step("same", "Ingress", D1, hidden, hidden))) == []
    assert check_plan(plan(step("same", "Ingress", "line-loading", hidden, hidden))) == []


def test_containers_that_pulumi_hides_for_a_secret_are_passed_over() -> None:
    hidden = {"replicas": 1, "template": {"spec": {"containers": ["[secret]"]}}}
    assert check_plan(plan(step("same", "Deployment", D1, hidden, hidden))) == []


def test_a_switch_that_deletes_the_last_standby_is_told_and_stops_nothing() -> None:
    (finding,) = check_plan(
        plan(
            step("delete", "Deployment", D1, PODS),
            step("create", "Deployment", D2, None, PODS),
            step("create", "Service", D2, None, {"selector": {"app": D2}}),
            step("update", "Ingress", "line-loading", route_to(D1), route_to(D2)),
        )
    )
    assert (finding.rule, finding.level) == ("standby-stays", Level.ADVISORY)
