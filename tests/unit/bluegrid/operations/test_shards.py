"""A cluster with shards has one row, and a shard without pods is a fault of it."""

from __future__ import annotations

from typing import Any

from bluegrid.operations import ClusterStatus, Snapshot, statuses
from bluegrid.operations.metrics import Counts
from bluegrid.operations.shards import whole_clusters
from bluegrid.operations.snapshot import PodReport
from bluegrid.operations.waiting import Wait, WaitGoal
from bluegrid.states import ClusterState, ServiceState
from tests.support.kubernetes_objects import deployment, live_route, running, snapshot_of

LIMITS = {"cpu": "2", "memory": "2Gi"}
D2 = ClusterState("d2", "v2", 6, LIMITS, shards=3)
WANTED = ServiceState("loading", "g1", "d2", {"d2": D2})
LOST = "models of 1 of 3 shards do not answer: loading-d2-1 without a ready pod"


def shard(index: int, ready: int = 2, replicas: int = 2, **status: Any) -> dict[str, Any]:
    made = deployment("d2", "v2", replicas, ready, **status)
    made["metadata"]["name"] = f"loading-d2-{index}"
    made["metadata"]["labels"]["bluegrid.io/shard"] = f"{index}-of-3"
    return made


def snapshot(*shards: dict[str, Any]) -> Snapshot:
    pods = [running(f"d2-{number}", "d2") for number in range(6)]
    return snapshot_of(whole_clusters(shards), [live_route("d2")], pods)


def row_of(now: Snapshot) -> ClusterStatus:
    (row,) = statuses(now, now, {"loading": WANTED})
    return row


def test_pods_of_all_shards_are_one_row() -> None:
    row = row_of(snapshot(*map(shard, range(3))))
    assert (row.cluster, row.ready, row.replicas, len(row.pods)) == ("d2", 6, 6, 6)
    assert row.is_well


def test_models_are_those_of_all_shards_by_the_pod_of_each_with_the_fewest() -> None:
    pods = [running(f"d2-{number}", "d2") for number in range(6)]
    for number, pod in enumerate(pods):
        pod["metadata"]["labels"]["bluegrid.io/shard"] = f"{number // 2}-of-3"
    loaded, expected = (40, 40, 30, 20, 25, 25), (40, 40, 35, 35, 25, 25)
    reports = {
        f"d2-{number}": PodReport(Counts(own, of, 0, 0), None)
        for number, (own, of) in enumerate(zip(loaded, expected, strict=True))
    }
    now = snapshot_of(whole_clusters(map(shard, range(3))), [live_route("d2")], pods, reports)
    row = row_of(now)
    assert (row.shards, row.models_loaded, row.models_expected) == (3, 85, 100)


def test_a_shard_without_ready_pods_is_named() -> None:
    row = row_of(snapshot(shard(0), shard(1, ready=0), shard(2)))
    assert (row.ready, row.replicas, row.why) == (4, 6, LOST)
    assert not row.is_well


def test_a_shard_without_a_deployment_is_named_and_its_pods_are_drift() -> None:
    row = row_of(snapshot(shard(0), shard(2)))
    assert row.why == LOST
    assert row.drift == ("YAML says 6 replicas, Kubernetes 4 replicas",)


def test_a_cluster_is_live_once_every_shard_answers() -> None:
    wait = Wait(WaitGoal.LIVE, "loading", "d2")
    assert wait.lacking(snapshot(*map(shard, range(3)))) == {}
    lacking = wait.lacking(snapshot(shard(0), shard(1, ready=0), shard(2)))
    assert lacking == {"loading d2": f"live, and {LOST}"}


def test_a_cluster_is_ready_once_every_shard_has_its_new_pods() -> None:
    wait = Wait(WaitGoal.READY, "loading", "d2")
    done = {"updatedReplicas": 2, "replicas": 2}
    assert wait.lacking(snapshot(*(shard(index, **done) for index in range(3)))) == {}
    late = shard(1, updatedReplicas=1, replicas=2)
    reason = wait.lacking(snapshot(shard(0, **done), late, shard(2, **done)))["loading d2"]
    assert reason.startswith("5 of 6 pods updated")


def test_a_cluster_without_shards_is_its_deployment() -> None:
    one = deployment("d1", "v1", 2, 2)
    assert whole_clusters([one, shard(0), shard(1), shard(2)])[0] is one
