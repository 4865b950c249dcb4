"""Standbys with fewer pods than when they are live: a switch adds and removes pods, and no request fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.demo import steps
from tools.demo.workspace import SERVICE
from tools.load.process import Load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Ran, Workspace

RATE = 100


@pytest.fixture(scope="module")
def small(online: Callable[[str], Workspace]) -> Workspace:
    """Two pods of v1 are live on d1; the standby d2, of v2, has none."""
    work = online("standby")
    file = work.registry / "g1.yaml"
    file.write_text(file.read_text().replace("  live: d1\n", "  live: d1\n  standbyReplicas: 0\n"))
    steps.up(work).require()
    return work


@pytest.fixture
def load(local: Local, small: Workspace) -> Iterator[Load]:
    requests, report = local.prepared.models / "requests.json", local.state / "standby.json"
    with Load.start(small.place.route_url, SERVICE, requests, report, rate=RATE, host=small.host) as load:
        yield load


def kubectl(work: Workspace, *arguments: str) -> Ran:
    return work.run(
        "kubectl", "--context", work.place.context, "--namespace", work.namespace, *arguments
    ).require()


def replicas(work: Workspace) -> dict[str, int]:
    """Return the declared number of pods of each cluster."""
    form = "jsonpath={range .items[*]}{.metadata.labels.bluegrid\\.io/cluster}={.spec.replicas} {end}"
    pairs = (pair.split("=") for pair in kubectl(work, "get", "deployments", "--output", form).output.split())
    return {cluster: int(count) for cluster, count in pairs}


def switch_alone(work: Workspace, cluster: str) -> Ran:
    return work.bluegrid("switch", SERVICE, cluster, "--up", "--yes")


def test_a_cluster_without_pods_is_switched_to_and_the_one_before_gives_up_its_own(
    small: Workspace, load: Load
) -> None:
    assert replicas(small) == {"d1": 2, "d2": 0}
    there = steps.switch(small, "d2")
    # The new cluster's pods start first; the old cluster's pods are removed last.
    assert [(change.name, *change.paths) for change in there.changes if change.op == "update"] == [
        ("line-loading-d2", "spec.replicas"),
        ("line-loading", "spec.rules[0].http.paths[0].backend.service.name"),
        ("line-loading-d1", "spec.replicas"),
    ]
    assert replicas(small) == {"d1": 0, "d2": 1}
    steps.edit_live(small, "d1")
    steps.up(small).require()
    assert replicas(small) == {"d1": 2, "d2": 0}
    seen = load.stop()
    assert set(seen.by_version) == {"v1", "v2"}
    assert seen.failed_total == 0


def test_pods_that_find_no_node_leave_the_live_cluster_as_it_is(small: Workspace, load: Load) -> None:
    config = ("config", "set", "bluegrid:readyTimeout")
    small.pulumi(*config, "10").require()
    kubectl(small, "cordon", "--selector", "kubernetes.io/os=linux")
    try:
        refused = switch_alone(small, "d2")
    finally:
        kubectl(small, "uncordon", "--selector", "kubernetes.io/os=linux")
        small.pulumi(*config, "120").require()
    assert refused.exit_code != 0
    assert "Minimum number of live Pods was not attained" in refused.output
    assert replicas(small)["d1"] == 2

    switch_alone(small, "d2").require()
    # Until the next whole update a switch back needs no new pods.
    assert replicas(small) == {"d1": 2, "d2": 1}
    steps.up(small).require()
    assert replicas(small) == {"d1": 0, "d2": 1}
    seen = load.stop()
    assert seen.failed_total == 0
    assert set(seen.by_version) == {"v1", "v2"}
