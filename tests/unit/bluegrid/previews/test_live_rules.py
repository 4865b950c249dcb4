"""The rules that protect live services: their pods, and the service itself."""

from __future__ import annotations

from typing import Any

import pytest

from bluegrid.previews import Level, check_plan, check_stack
from tests.unit.bluegrid.previews.stacks import (
    Stack,
    cluster,
    http_route,
    live_route,
    plan_between,
    stack,
    with_spec,
)


def findings(before: Stack, after: Stack, *may_go: str) -> list[str]:
    return [str(finding) for finding in check_plan(plan_between(before, after), may_go)]


def of_service(name: str, set_id: str) -> Stack:
    """Return another service, with one live cluster."""
    route = live_route(f"{name}-d1", service=name, set_id=set_id)
    return {f"Ingress {name}": route} | cluster(1, service=name, set_id=set_id)


EMPTY = {name: inputs for name, inputs in stack().items() if "line-loading" not in name}


def test_a_live_cluster_without_pods_is_refused_and_a_standby_without_is_not() -> None:
    assert findings(stack(), stack() | cluster(2, replicas=0)) == []
    assert findings(stack(), stack() | cluster(1, replicas=0)) == [
        "Deployment line-loading-d1: it is live and has no pods: nobody would answer; set its replicas, in "
        "the registry and in bluegrid:replicas, or switch first (live-has-pods, mandatory)"
    ]


def test_a_switch_to_a_cluster_without_pods_is_refused() -> None:
    after = stack() | cluster(2, replicas=0) | {"Ingress line-loading": live_route("line-loading-d2")}
    (finding,) = check_plan(plan_between(stack(), after))
    assert (finding.rule, finding.level) == ("live-has-pods", Level.MANDATORY)
    assert finding.place == "Deployment line-loading-d2"


def test_every_cluster_that_shares_the_traffic_has_to_have_pods() -> None:
    after = stack() | cluster(2, replicas=0)
    del after["Ingress line-loading"]
    after["HTTPRoute line-loading"] = http_route("line-loading", "line-loading-d1", "line-loading-d2")
    assert [each.partition(":")[0] for each in findings(stack(), after)] == ["Deployment line-loading-d2"]


@pytest.mark.parametrize("replicas", ["[unknown]", None, 1])
def test_a_number_of_pods_that_is_not_known_yet_is_passed_over(replicas: Any) -> None:
    after = plan_between({}, stack() | cluster(1, replicas=replicas)).objects_after()
    assert check_stack(after) == []


def test_a_service_without_a_selector_leads_to_no_deployment() -> None:
    after = stack() | cluster(1, replicas=0)
    after["Service line-loading-d1"] = with_spec(after["Service line-loading-d1"], selector={})
    assert findings(stack(), after) == []


def test_a_live_service_that_goes_is_refused_until_it_is_allowed() -> None:
    before = stack() | of_service("load", "g2")
    assert findings(before, stack()) == [
        "ModelService load: it is live and is deleted: clients of its URL get 404; keep it in the registry, "
        "or allow it: bluegrid check --allow-delete load (live-service-stays, mandatory)"
    ]
    assert findings(before, stack(), "load") == []
    assert len(findings(before, stack(), "line-loading")) == 1


def test_a_live_service_that_is_renamed_is_refused_by_its_new_name() -> None:
    before, after = (stack() | of_service(name, "g2") for name in ("load", "load2"))
    assert findings(before, after) == [
        "ModelService load: it is live and is renamed to load2: clients of its URL get 404; keep it in the "
        "registry, or allow it: bluegrid check --allow-delete load (live-service-stays, mandatory)"
    ]


def test_a_service_whose_live_route_alone_goes_is_refused() -> None:
    after = stack()
    del after["Ingress line-loading"]
    (finding,) = findings(stack(), after)
    assert finding.startswith("ModelService line-loading: it is live and is deleted")


def test_a_registry_without_services_where_some_run_is_refused_in_its_own_words() -> None:
    before = stack() | of_service("load", "g2")
    assert findings(before, EMPTY) == [
        "Stack north: the update leaves no service, and line-loading and load answer; see that "
        "bluegrid:registry names the right folder, or allow it: "
        "bluegrid check --allow-delete line-loading --allow-delete load (live-service-stays, mandatory)"
    ]
    assert findings(before, EMPTY, "load", "line-loading") == []
    assert findings(EMPTY, EMPTY) == []


def test_a_gateway_in_the_place_of_an_ingress_class_keeps_the_service() -> None:
    after = {name: inputs for name, inputs in stack().items() if not name.startswith("Ingress")}
    after["HTTPRoute line-loading"] = http_route("line-loading", "line-loading-d1")
    assert findings(stack(), after) == []
