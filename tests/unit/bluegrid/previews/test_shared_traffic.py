"""Shared traffic in a preview of HTTPRoutes."""

from __future__ import annotations

from typing import Any

from bluegrid.previews import check_plan, risks_of, sentences_of
from bluegrid.previews.plan import Plan
from bluegrid.states import ClusterState, KubernetesObject, ServiceChange, ServiceState, states_of_objects

LABELS = {"bluegrid.io/service": "line-loading", "bluegrid.io/set": "g1"}
D1 = ClusterState("d1", "v1", 2)
D2 = ClusterState("d2", "v2", 1)


def service(**shares: float) -> ServiceState:
    several = shares if len(shares) > 1 else {}
    return ServiceState("line-loading", "g1", next(iter(shares)), {"d1": D1, "d2": D2}, several)


def text(before: ServiceState, after: ServiceState) -> list[str]:
    return list(sentences_of(ServiceChange(before, after)))


def http_route(name: str, *backends: tuple[str, int], labels: dict[str, str] = LABELS) -> dict[str, Any]:
    refs = [{"kind": "Service", "name": service, "weight": weight} for service, weight in backends]
    return {"metadata": {"name": name, "labels": labels}, "spec": {"rules": [{"backendRefs": refs}]}}


def deployment(cluster: str) -> dict[str, Any]:
    labels = LABELS | {"bluegrid.io/cluster": cluster, "bluegrid.io/version": cluster.replace("d", "v")}
    return {"metadata": {"name": f"line-loading-{cluster}", "labels": labels}, "spec": {"replicas": 1}}


def objects(*backends: tuple[str, int]) -> list[KubernetesObject]:
    standing = {**LABELS, "bluegrid.io/cluster": "d2"}
    kinds = {
        "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute": [
            http_route("line-loading", *backends),
            http_route("line-loading-d2", ("line-loading-d2", 1), labels=standing),
        ],
        "kubernetes:apps/v1:Deployment": [deployment("d1"), deployment("d2")],
    }
    return [KubernetesObject(type=kind, inputs=each) for kind, several in kinds.items() for each in several]


def test_an_http_route_says_what_is_live_and_how_traffic_is_shared() -> None:
    (state,) = states_of_objects(objects(("line-loading-d1", 9), ("line-loading-d2", 1))).values()
    assert (state.live, state.shares, state.answering) == ("d1", {"d1": 0.9, "d2": 0.1}, ["d1", "d2"])
    (state,) = states_of_objects(objects(("line-loading-d2", 100))).values()
    assert (state.live, state.shares, state.answering) == ("d2", {}, ["d2"])


def test_shares_are_told_before_and_after() -> None:
    assert text(service(d1=1), service(d1=0.9, d2=0.1)) == ["**share** d1 (v1) → d1 (v1) 90 %, d2 (v2) 10 %"]
    assert text(service(d1=0.995, d2=0.005), service(d2=1)) == [
        "**switch** d1 (v1) 99.5 %, d2 (v2) 0.5 % → d2 (v2)",
        "d1 stays warm",
    ]
    assert text(service(d1=0.5, d2=0.5), service(d1=0.5, d2=0.5)) == []


def test_a_cluster_that_gets_its_first_requests_is_compared_with_what_is_live() -> None:
    assert ServiceChange(service(d1=1), service(d1=0.9, d2=0.1)).compared == (D1, D2)
    assert ServiceChange(service(d1=1), service(d2=1)).compared == (D1, D2)
    assert ServiceChange(service(d1=0.9, d2=0.1), service(d1=0.5, d2=0.5)).compared is None
    assert ServiceChange(service(d1=0.9, d2=0.1), service(d1=1)).compared is None


def test_a_cluster_that_goes_with_its_share_or_has_one_and_no_pods_is_a_risk() -> None:
    left = ServiceState("line-loading", "g1", "d1", {"d1": D1})
    (risk,) = risks_of(ServiceChange(service(d1=0.9, d2=0.1), left))
    assert risk.message.startswith("d2 is removed in the update that switches away from it")
    none = {"d1": D1, "d2": ClusterState("d2", "v2", 0)}
    empty = ServiceState("line-loading", "g1", "d1", none, {"d1": 0.9, "d2": 0.1})
    (risk,) = risks_of(ServiceChange(service(d1=0.9, d2=0.1), empty))
    assert risk.message == "d2 is live and has no pods; set its replicas"


def test_an_http_route_has_to_lead_to_services_that_are_declared() -> None:
    kind = "urn:pulumi:north::bluegrid::kubernetes:gateway.networking.k8s.io/v1:HTTPRoute::line-loading"
    state = {"inputs": http_route("line-loading", ("line-loading-d9", 1))}
    plan = Plan.model_validate({"steps": [{"op": "create", "urn": kind, "newState": state}]})
    (finding,) = check_plan(plan)
    assert str(finding) == (
        "HTTPRoute line-loading: its backend line-loading-d9 is not declared; declare it "
        "(route-leads-somewhere, mandatory)"
    )
