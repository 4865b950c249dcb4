"""What a wait still lacks: pods of the declared version, the live route, the end of the last object."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bluegrid.operations import Wait, WaitGoal
from bluegrid.operations.snapshot import PodReport
from bluegrid.states import ClusterState, ServiceState
from tests.support.kubernetes_objects import container, deployment, live_route, pod, running, snapshot_of

D1, D2 = ClusterState("d1", "v1", 2), ClusterState("d2", "v2", 1)
DECLARED = ServiceState("loading", "g1", "d2", {"d1": D1, "d2": D2})


def updated(cluster: str, version: str, pods: int, ready: int, **status: Any) -> dict[str, Any]:
    """Return a Deployment all of whose pods are of its last update, except for fields of its status."""
    found = deployment(cluster, version, pods, ready)
    found["status"] |= {"replicas": pods, "updatedReplicas": pods, "observedGeneration": 1} | status
    found["metadata"]["generation"] = 1
    return found


RUNS = snapshot_of(
    [updated("d1", "v1", 2, 2), updated("d2", "v2", 1, 1)],
    [live_route("d1")],
    [running("d1-a"), running("d1-b"), running("d2-a", "d2")],
)


def with_d2(found: dict[str, Any] | None, *pods: dict[str, Any], **reports: PodReport) -> Any:
    deployments = [updated("d1", "v1", 2, 2), *([found] if found else [])]
    return replace(RUNS, deployments=deployments, pods=pods, reports=reports)


READY = Wait(WaitGoal.READY, "loading", "d2", DECLARED)


def test_ready_pods_of_the_declared_version_are_enough() -> None:
    assert READY.lacking(RUNS) == {}
    assert Wait(WaitGoal.READY, "loading", None, DECLARED).lacking(RUNS) == {}
    assert Wait(WaitGoal.READY, "loading").lacking(RUNS) == {}


@pytest.mark.parametrize(
    ("found", "lacking"),
    [
        (None, "does not run; `pulumi up` starts it"),
        (updated("d2", "v1", 1, 1), "runs version v1, and v2 is declared"),
        (updated("d2", "v2", 1, 1, observedGeneration=0), "Kubernetes has not begun the update"),
        (updated("d2", "v2", 2, 2, updatedReplicas=1), "1 of 2 pods updated: no pods"),
        (updated("d2", "v2", 1, 1, replicas=2), "pods of an earlier update are left: 1"),
        (updated("d2", "v2", 2, 1), "1 of 2 pods ready: no pods"),
    ],
)
def test_everything_that_is_missing_is_named(found: dict[str, Any] | None, lacking: str) -> None:
    assert READY.lacking(with_d2(found)) == {"loading d2": lacking}


def test_a_pod_s_own_reason_is_named() -> None:
    starting = pod("d2-a", "d2", containerStatuses=[container(ready=False)])
    report = PodReport(None, "loaded 120 of 186 models")
    now = with_d2(updated("d2", "v2", 1, 0), starting, **{"d2-a": report})
    assert READY.lacking(now) == {"loading d2": "0 of 1 pods ready: loaded 120 of 186 models"}


def test_a_preflight_that_refuses_is_the_reason_of_an_absent_cluster() -> None:
    ended = container(ready=False, terminated={"exitCode": 1, "message": "line-7 answers 3, recorded 2"})
    refused = pod("d2-x", "d2", phase="Failed", containerStatuses=[ended])
    assert READY.lacking(with_d2(None, refused)) == {
        "loading d2": "does not run: preflight: line-7 answers 3, recorded 2"
    }


def test_every_cluster_of_a_service_is_waited_for() -> None:
    lacking = Wait(WaitGoal.READY, "loading", None, DECLARED).lacking(with_d2(updated("d2", "v2", 1, 0)))
    assert [*lacking] == ["loading d2"]
    assert Wait(WaitGoal.READY, "other").lacking(RUNS) == {"other": "nothing of it runs"}


def test_a_cluster_without_pods_by_declaration_is_ready() -> None:
    assert READY.lacking(with_d2(updated("d2", "v2", 0, 0))) == {}


def test_live_is_the_cluster_that_the_url_leads_to_with_a_pod() -> None:
    live = Wait(WaitGoal.LIVE, "loading", "d2", DECLARED)
    assert live.lacking(RUNS) == {"loading d2": "the URL leads to d1"}
    assert Wait(WaitGoal.LIVE, "loading", None, DECLARED).lacking(RUNS) == {
        "loading d2": "the URL leads to d1"
    }
    assert live.lacking(replace(RUNS, ingresses=[])) == {"loading d2": "there is no live route"}
    switched = replace(RUNS, ingresses=[live_route("d2")])
    assert live.lacking(switched) == {}
    down = replace(with_d2(updated("d2", "v2", 1, 0)), ingresses=[live_route("d2")])
    assert live.lacking(down) == {"loading d2": "live, with 0 of 1 pods ready: no pods"}


def test_without_yaml_live_is_whatever_the_url_leads_to() -> None:
    assert Wait(WaitGoal.LIVE, "loading").lacking(RUNS) == {}


def test_what_is_deleted_has_left_nothing() -> None:
    gone = Wait(WaitGoal.DELETE, "loading", "d2")
    assert gone.lacking(RUNS) == {"loading d2": "there still: Deployment loading-d2, pod d2-a"}
    assert gone.lacking(with_d2(None, running("d1-a"))) == {}
    assert Wait(WaitGoal.DELETE, "loading").lacking(with_d2(None)) == {
        "loading": "there still: Deployment loading-d1, route loading"
    }
    assert Wait(WaitGoal.DELETE, "loading").lacking(snapshot_of([], [], [])) == {}
