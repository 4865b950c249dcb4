"""The rules of quotas: pods after the update, pods during the update, and pods that autoscalers may add."""

from __future__ import annotations

from typing import Any

import pytest

from bluegrid.previews import check_plan, check_stack
from tests.unit.bluegrid.previews.stacks import (
    NEW_IMAGE,
    Stack,
    cluster,
    live_route,
    plan_between,
    quota,
    stack,
    with_spec,
)


def findings(before: Stack, after: Stack, **hard: str) -> list[str]:
    limited: Stack = {"ResourceQuota platform": quota(**hard)}
    plan = plan_between(before | limited, after | limited)
    return [str(each).removeprefix("ResourceQuota bluegrid: ") for each in check_plan(plan)]


def autoscaler(cluster: int, most: int) -> dict[str, Any]:
    name = f"line-loading-d{cluster}"
    inputs: dict[str, Any] = stack()[f"Deployment {name}"]
    metric = {"resource": {"name": "cpu", "target": {"averageUtilization": 70}}}
    return inputs | {"spec": {"minReplicas": 1, "maxReplicas": most, "metrics": [metric]}}


def test_pods_that_run_afterwards_have_to_fit() -> None:
    grown = stack() | cluster(1, replicas=4)
    assert findings(stack(), grown, pods="5") == []
    assert findings(stack(), grown, pods="4") == [
        "pods: 5 needed by all pods, 4 allowed; raise the quota or ask for less (quota-suffices, mandatory)"
    ]
    assert findings(stack(), grown, requests_memory="4608Mi") == [
        "requests.memory: 5120Mi needed by all pods, 4608Mi allowed; raise the quota or ask for less "
        "(quota-suffices, mandatory)"
    ]
    # Kubernetes' old names for requests.
    assert findings(stack(), grown, memory="5Gi") == []
    assert len(findings(stack(), grown, memory="4Gi")) == 1


def test_a_quota_that_is_secret_or_of_something_else_is_passed_over() -> None:
    assert findings(stack(), stack(image=NEW_IMAGE), pods="[secret]", services="1") == []


def test_a_rolling_update_needs_a_pod_more_or_it_fails() -> None:
    before, after = (stack() | cluster(1, replicas=4, **image) for image in ({}, {"image": NEW_IMAGE}))
    assert findings(before, after, pods="6") == []
    assert findings(before, after, pods="5") == [
        "pods: 6 needed for the update of line-loading-d1, which fails without, 5 allowed; raise the quota "
        "or ask for less (quota-suffices-to-update, mandatory)"
    ]


def test_a_rolling_update_of_many_pods_may_take_a_quarter_more_and_can_do_with_one() -> None:
    before, after = (stack() | cluster(1, replicas=8, **image) for image in ({}, {"image": NEW_IMAGE}))
    assert findings(before, after, pods="11") == []
    assert findings(before, after, pods="10") == [
        "pods: 11 needed while new pods run beside old ones, or clusters wait, 10 allowed; raise the quota "
        "or ask for less (quota-suffices-in-between, advisory)"
    ]
    assert "mandatory" in findings(before, after, pods="9")[0]


def test_the_surge_that_a_deployment_names_is_counted() -> None:
    before, after = (stack() | cluster(1, replicas=8, **image) for image in ({}, {"image": NEW_IMAGE}))
    name, strategy = "Deployment line-loading-d1", {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    after[name] = with_spec(after[name], strategy=strategy)
    assert findings(before, after, pods="10") == []
    after[name] = with_spec(after[name], strategy={"type": "Recreate"})
    # Its preflight still runs beside the pods.
    assert "10 needed for the update" in findings(before, after, pods="9")[0]


def test_the_pod_of_a_preflight_is_counted() -> None:
    before = stack() | cluster(2, replicas=0)
    after = stack() | cluster(2, replicas=0, image=NEW_IMAGE)
    assert findings(before, after, pods="2") == []
    assert "2 needed for the update of line-loading-d2" in findings(before, after, pods="1")[0]


def test_larger_pods_are_counted_beside_those_that_they_replace() -> None:
    before, after = stack(), stack()
    limits = {"cpu": "1", "memory": "3Gi"}
    container = before["Deployment line-loading-d1"]["spec"]["template"]["spec"]["containers"][0]
    larger = container | {"resources": {"limits": limits, "requests": limits}}
    name = "Deployment line-loading-d1"
    after[name] = with_spec(after[name], template={"spec": {"containers": [larger]}})
    assert findings(before, after, requests_memory="5Gi") == []
    assert (
        "5120Mi needed for the update of line-loading-d1" in findings(before, after, requests_memory="4Gi")[0]
    )


def test_pods_of_what_was_live_stay_until_the_new_live_cluster_is_proven() -> None:
    before = stack() | cluster(1, replicas=3) | cluster(2, replicas=0)
    after = stack() | cluster(1, replicas=0) | cluster(2, replicas=3)
    after["Ingress line-loading"] = live_route("line-loading-d2")
    assert findings(before, after, pods="6") == []
    assert findings(before, after, pods="5") == [
        "pods: 6 needed for the update of line-loading-d2, which fails without, 5 allowed; raise the quota "
        "or ask for less (quota-suffices-to-update, mandatory)"
    ]


def test_a_cluster_that_is_deleted_goes_last() -> None:
    before, after = stack(), stack()
    for name in [*cluster(2)]:
        del after[name]
    after |= cluster(3)
    assert "3 needed for the update of line-loading-d3" in findings(before, after, pods="2")[0]


def test_clusters_that_only_may_go_on_at_once_are_told_and_stop_nothing() -> None:
    before = stack()
    after = stack(image=NEW_IMAGE)
    assert findings(before, after, pods="4") == []
    assert findings(before, after, pods="3") == [
        "pods: 4 needed while new pods run beside old ones, or clusters wait, 3 allowed; raise the quota "
        "or ask for less (quota-suffices-in-between, advisory)"
    ]


def test_an_update_that_starts_no_pod_needs_no_room() -> None:
    # The quota was lowered: more pods run than it allows.
    assert findings(stack() | cluster(1, replicas=3), stack(), pods="2") == []


def test_an_autoscaler_that_may_go_above_the_quota_is_told() -> None:
    after = stack() | {"HorizontalPodAutoscaler line-loading-d1": autoscaler(1, most=6)}
    assert findings(after, after, pods="7") == []
    assert findings(after, after, pods="6") == [
        "pods: 7 needed with line-loading-d1 at the autoscaler's maximum, 6 allowed; raise the quota or ask "
        "for less (quota-suffices-for-autoscalers, advisory)"
    ]


def test_pods_in_another_namespace_are_not_of_this_quota() -> None:
    before = stack(namespace="other")
    assert findings(before, stack(), pods="2") == []


@pytest.mark.parametrize(("pods", "rules"), [("2", []), ("1", ["quota-suffices"])])
def test_without_a_plan_what_runs_afterwards_is_checked(pods: str, rules: list[str]) -> None:
    objects = plan_between({}, stack() | {"ResourceQuota platform": quota(pods=pods)}).objects_after()
    assert [finding.rule for finding in check_stack(objects)] == rules
