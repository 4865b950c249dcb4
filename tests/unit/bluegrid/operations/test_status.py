"""The status compares Kubernetes with YAML: every difference is named, with its cluster."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bluegrid.operations import ClusterStatus, Snapshot, outages, statuses
from bluegrid.operations.metrics import Counts
from bluegrid.operations.snapshot import PodReport
from bluegrid.states import ClusterState, ServiceState
from bluegrid_registry import Autoscaling
from tests.support.kubernetes_objects import (
    autoscaler,
    container,
    deployment,
    live_route,
    pod,
    running,
    shared_route,
    snapshot_of,
)

LIMITS = {"cpu": "2", "memory": "2Gi"}
D1, D2 = ClusterState("d1", "v1", 2, LIMITS), ClusterState("d2", "v2", 1, LIMITS)
WANTED = ServiceState("loading", "g1", "d1", {"d1": D1, "d2": D2})
RUNS = snapshot_of(
    [deployment("d1", "v1", 2, 2), deployment("d2", "v2", 1, 1)],
    [live_route("d1")],
    [running("d1-a"), running("d1-b"), running("d2-a", "d2")],
)


def rows_of(wanted: ServiceState | None, snapshot: Snapshot = RUNS) -> dict[str, ClusterStatus]:
    states = {wanted.name: wanted} if wanted else {}
    return {row.cluster: row for row in statuses(snapshot, snapshot, states)}


def drift(wanted: ServiceState | None, snapshot: Snapshot = RUNS) -> dict[str, tuple[str, ...]]:
    return {cluster: row.drift for cluster, row in rows_of(wanted, snapshot).items() if row.drift}


def test_what_runs_as_declared_has_no_drift() -> None:
    assert drift(WANTED) == {}
    rows = rows_of(WANTED)
    assert (rows["d1"].live, rows["d1"].ready, rows["d1"].replicas, rows["d1"].state) == (
        True,
        2,
        2,
        "2 Running",
    )
    assert not rows["d2"].live


def test_clusters_that_share_the_requests_are_live_and_other_shares_are_drift() -> None:
    shared = replace(RUNS, ingresses=[], http_routes=[shared_route(d1=90, d2=10)])
    wanted = replace(WANTED, shares={"d1": 0.9, "d2": 0.1})
    assert [row.live for row in rows_of(wanted, shared).values()] == [True, True]
    assert drift(wanted, shared) == {}
    assert drift(replace(WANTED, shares={"d1": 0.5, "d2": 0.5}), shared) == {
        "d1": ("YAML says d1 50 %, d2 50 % of the requests, the live route says d1 90 %, d2 10 %",)
    }
    assert drift(WANTED, shared) == {
        "d1": ("YAML says d1 100 % of the requests, the live route says d1 90 %, d2 10 %",)
    }


@pytest.mark.parametrize(
    ("wanted", "cluster", "text"),
    [
        (replace(WANTED, live="d2"), "d2", "YAML says d2 is live, the live route says d1"),
        (
            replace(WANTED, clusters={"d1": replace(D1, version="v9"), "d2": D2}),
            "d1",
            "YAML says version v9, v1 runs",
        ),
        (
            replace(WANTED, clusters={"d1": replace(D1, replicas=3), "d2": D2}),
            "d1",
            "YAML says 3 replicas, Kubernetes 2 replicas",
        ),
        (
            replace(WANTED, clusters={"d1": replace(D1, resources={"cpu": "2", "memory": "4Gi"}), "d2": D2}),
            "d1",
            "YAML says memory 4Gi, Kubernetes 2Gi",
        ),
        (replace(WANTED, clusters={"d1": D1}), "d2", "runs, but YAML does not declare it"),
        (
            replace(WANTED, clusters={"d1": D1, "d2": D2, "d3": ClusterState("d3", "v3", 1, LIMITS)}),
            "d3",
            "YAML declares it, but it does not run",
        ),
    ],
)
def test_a_disagreement_is_told_at_its_cluster(wanted: ServiceState, cluster: str, text: str) -> None:
    assert drift(wanted) == {cluster: (text,)}


def test_the_stacks_state_tells_what_follows_from_a_disagreement() -> None:
    edited = replace(WANTED, clusters={"d1": replace(D1, version="v9"), "d2": replace(D2, replicas=3)})
    state = replace(WANTED, clusters={"d1": D1, "d2": replace(D2, replicas=3)})
    rows = statuses(RUNS, RUNS, {"loading": edited}, {"loading": state})
    assert [row.drift for row in rows] == [
        ("YAML says version v9, v1 runs; not applied yet: `pulumi up`",),
        ("YAML says 3 replicas, Kubernetes 1 replica; changed behind Pulumi",),
    ]


def test_another_way_to_write_an_amount_is_no_drift() -> None:
    resources = {"cpu": "2000m", "memory": "2048Mi"}
    assert drift(replace(WANTED, clusters={"d1": replace(D1, resources=resources), "d2": D2})) == {}


def test_what_an_autoscaler_decides_within_its_bounds_is_no_drift() -> None:
    for most, found in ((4, {}), (1, {"d1": ("YAML says 1 to 1 replicas, Kubernetes 2 replicas",)})):
        scaled = replace(D1, replicas=Autoscaling(min=1, max=most, cpu=70))
        assert drift(replace(WANTED, clusters={"d1": scaled, "d2": D2})) == found


def test_an_autoscaler_that_keeps_more_pods_since_a_switch_is_told_with_what_ends_that() -> None:
    scaled = replace(
        WANTED, clusters={"d1": replace(D1, replicas=Autoscaling(min=1, max=4, cpu=70)), "d2": D2}
    )
    held = replace(RUNS, autoscalers=[autoscaler("d1", 2, 4, declared_min=1)])
    assert drift(scaled, held) == {"d1": ("YAML says min 1, its autoscaler keeps 2 since a switch",)}
    d1 = replace(scaled.clusters["d1"], held=2)
    made = {"loading": replace(scaled, clusters={"d1": d1, "d2": D2})}
    (row, _) = statuses(held, held, {"loading": scaled}, made)
    assert row.drift == (
        "YAML says min 1, its autoscaler keeps 2 since a switch; not applied yet: `pulumi up`",
    )


def test_an_autoscaler_with_other_bounds_is_rows_of() -> None:
    scaled = replace(
        WANTED, clusters={"d1": replace(D1, replicas=Autoscaling(min=1, max=4, cpu=70)), "d2": D2}
    )
    snapshot = replace(RUNS, autoscalers=[autoscaler("d1", 1, 6)])
    assert drift(scaled, snapshot) == {
        "d1": ("YAML says 1..4 pods at 70 % CPU, its autoscaler 1..6 pods at 70 % CPU",)
    }
    assert drift(scaled, replace(RUNS, autoscalers=[autoscaler("d1", 1, 4)])) == {}


def test_a_service_that_yaml_does_not_declare_is_told_and_one_that_does_not_run_too() -> None:
    assert drift(None)["d1"] == ("runs, but YAML does not declare it",)
    nothing = snapshot_of([], [], [])
    assert drift(WANTED, nothing)["d1"] == ("YAML declares it, but nothing of it runs",)
    assert rows_of(WANTED, nothing)["d2"].state == "absent"


def test_a_cluster_that_preflight_refused_is_told_with_the_reason() -> None:
    ended = {"exitCode": 3, "reason": "Error", "message": "set g1 version v2: model line-17: SHA-256 differs"}
    refused = pod(
        "d2-preflight-x", "d2", phase="Failed", containerStatuses=[container(ready=False, terminated=ended)]
    )
    refused["metadata"]["labels"]["app"] = "loading-d2-preflight"
    snapshot = snapshot_of([deployment("d1", "v1", 2, 2)], [live_route("d1")], [refused])
    row = rows_of(WANTED, snapshot)["d2"]
    assert row.why == "preflight: set g1 version v2: model line-17: SHA-256 differs"
    assert not row.is_well


@pytest.mark.parametrize("phase", ["Failed", "Succeeded", "Pending"])
def test_an_update_whose_preflight_refused_it_is_told_though_the_pods_before_it_run(phase: str) -> None:
    ended = {"exitCode": 3, "reason": "Error", "message": "no module named lightgbm"}
    failing = {"containerStatuses": [container(ready=False, terminated=ended)]} if phase == "Failed" else {}
    job = pod("d1-preflight-x", "d1", phase=phase, **failing)
    job["metadata"]["labels"]["app"] = "loading-d1-preflight"
    pods = [pod("d1-a", "d1"), pod("d1-b", "d1"), job]
    row = rows_of(WANTED, snapshot_of([deployment("d1", "v1", 2, 2)], [live_route("d1")], pods))["d1"]
    refused = "the last update was refused by its preflight: no module named lightgbm"
    assert row.why == (refused if phase == "Failed" else None)


def test_a_deployment_that_may_make_no_pods_is_told_with_the_reason() -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "message": "pods is forbidden: exceeded quota"}
    snapshot = snapshot_of([deployment("d1", "v1", 2, 0, conditions=[condition])], [live_route("d1")], [])
    assert rows_of(WANTED, snapshot)["d1"].why == "pods is forbidden: exceeded quota"


def test_models_are_those_of_the_pod_that_has_the_fewest_and_a_pod_says_why_it_is_not_ready() -> None:
    loading = pod("d1-b", containerStatuses=[container(ready=False)])
    reports = {
        "d1-a": PodReport(Counts(186, 186, 0, 0)),
        "d1-b": PodReport(Counts(12, 186, 0, 0), "loading: 12 of 186"),
    }
    snapshot = snapshot_of(
        [deployment("d1", "v1", 2, 1)], [live_route("d1")], [running("d1-a"), loading], reports
    )
    row = rows_of(WANTED, snapshot)["d1"]
    assert (row.models_loaded, row.models_expected, row.why) == (12, 186, "loading: 12 of 186")


def test_traffic_is_told_of_pods_that_are_in_both_snapshots() -> None:
    pods, routes, deployments = [running("d1-a"), running("d1-b")], [live_route("d1")], RUNS.deployments[:1]
    before = snapshot_of([*deployments], routes, pods, {"d1-a": PodReport(Counts(1, 1, 100, 0))}, at=10.0)
    reports = {"d1-a": PodReport(Counts(1, 1, 300, 2)), "d1-b": PodReport(Counts(1, 1, 9000, 0))}
    (row,) = statuses(before, snapshot_of([*deployments], routes, pods, reports, at=12.0), None)
    assert (row.requests_per_second, row.errors_per_second) == (101.0, 1.0)


def test_without_yaml_nothing_is_called_drift() -> None:
    assert all(row.drift == () for row in statuses(RUNS, RUNS, None))


def nobody_answers(snapshot: Snapshot, wanted: ServiceState = WANTED) -> list[str]:
    return outages(statuses(snapshot, snapshot, {wanted.name: wanted}), snapshot)


def test_a_service_that_answers_has_no_outage_whatever_its_standby_does() -> None:
    standby_down = replace(RUNS, deployments=[deployment("d1", "v1", 2, 1), deployment("d2", "v2", 1, 0)])
    assert nobody_answers(standby_down) == []


def test_an_outage_names_the_url_that_clients_use_and_the_cluster_that_does_not_answer() -> None:
    route = live_route("d1")
    route["spec"]["rules"][0]["host"] = "models.example.org"
    route["spec"]["tls"] = [{"secretName": "models"}]
    down = replace(RUNS, deployments=[deployment("d1", "v1", 2, 0)], ingresses=[route])
    assert nobody_answers(down) == [
        "loading: nobody answers at https://models.example.org/modelService/loading: "
        "live cluster d1 has 0 of 2 pods ready"
    ]


def test_a_live_cluster_that_was_deleted_is_still_the_live_one() -> None:
    gone = replace(RUNS, deployments=[deployment("d2", "v2", 1, 1)])
    assert {cluster: row.live for cluster, row in rows_of(WANTED, gone).items()} == {"d1": True, "d2": False}
    assert nobody_answers(gone) == [
        "loading: nobody answers at /modelService/loading: live cluster d1 does not run"
    ]


def test_a_service_without_its_live_route_is_an_outage_and_one_never_applied_is_none() -> None:
    assert nobody_answers(replace(RUNS, ingresses=[])) == [
        "loading: nobody answers at /modelService/loading: its route leads to no cluster"
    ]
    assert nobody_answers(snapshot_of([], [], [])) == []


def test_requests_that_clusters_share_are_answered_while_one_of_them_is_ready() -> None:
    shared = replace(RUNS, ingresses=[], http_routes=[shared_route(d1=90, d2=10)])
    assert nobody_answers(replace(shared, deployments=[deployment("d2", "v2", 1, 1)])) == []
    down = [deployment("d1", "v1", 2, 0), deployment("d2", "v2", 1, 0)]
    assert nobody_answers(replace(shared, deployments=down)) == [
        "loading: nobody answers at /modelService/loading: "
        "live cluster d1 has 0 of 2 pods ready, live cluster d2 has 0 of 1 pods ready"
    ]


def routed(**spec: object) -> Snapshot:
    route = live_route("d1")
    route["spec"] |= spec
    return replace(RUNS, ingresses=[route])


def url(snapshot: Snapshot, address: str | None = None) -> str | None:
    (found,) = {row.url for row in statuses(snapshot, snapshot, None, address=address)}
    return found


def test_the_url_is_that_of_the_live_route_and_its_host() -> None:
    rules = live_route("d1")["spec"]["rules"]
    named = [{**rules[0], "host": "models.example"}]
    assert url(routed(rules=named)) == "http://models.example/modelService/loading"
    assert url(routed(rules=named, tls=[{"hosts": ["models.example"]}])) == (
        "https://models.example/modelService/loading"
    )
    assert url(routed(rules=named), "http://10.0.0.1:8080") == "http://models.example/modelService/loading"


def test_a_route_without_a_host_is_at_the_stack_s_address_or_the_proxy_s() -> None:
    route = live_route("d1") | {"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}
    at_proxy = replace(RUNS, ingresses=[route])
    assert url(at_proxy) == "http://10.0.0.1/modelService/loading"
    assert url(at_proxy, "http://127.0.0.1:8080/") == "http://127.0.0.1:8080/modelService/loading"
    assert url(RUNS) == "/modelService/loading"
    assert url(replace(RUNS, ingresses=[])) is None


def test_a_gateway_s_url_has_the_scheme_of_the_address() -> None:
    route = shared_route(d1=1)
    route["spec"] |= {"parentRefs": [{"name": "gateway"}], "hostnames": ["models.example"]}
    behind = replace(RUNS, ingresses=[], http_routes=[route])
    assert url(behind) == "models.example/modelService/loading"
    assert url(behind, "https://models.example") == "https://models.example/modelService/loading"
    del route["spec"]["hostnames"]
    assert url(behind, "http://127.0.0.1:8080") == "http://127.0.0.1:8080/modelService/loading"
