"""The number of pods: no update overrides an autoscaler."""

from __future__ import annotations

import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import contract
from tests.cluster.regions import BACKEND
from tools.demo import steps
from tools.demo.workspace import SERVICE
from tools.load.process import Load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Ran, Workspace

ANY = 1
"""Percent of the requested CPU that every pod uses: with this target an autoscaler goes up to its `max`."""
NEVER = 10_000
"""Percent that no pod uses: with this target an autoscaler goes down to its `min`."""
D1, D2 = "deployment/line-loading-d1", "deployment/line-loading-d2"


@pytest.fixture(scope="module")
def scaled(online: Callable[[str], Workspace]) -> Workspace:
    """A service whose live cluster has an autoscaler, and whose standby has none."""
    work = online("scaled")
    with never_fewer_pods(work, D1, than=2):
        edit(work, "d1", "replicas: 2", f"autoscaling: {{min: 2, max: 3, cpu: {ANY}}}")
        steps.up(work).require()
        wait(work, D1, pods=3)
    return work


def edit(work: Workspace, cluster: str, old: str, new: str) -> None:
    """Replace text in a cluster's row."""
    file = work.registry / "g1.yaml"
    rows = file.read_text().splitlines(keepends=True)
    (place,) = [number for number, row in enumerate(rows) if f"id: {cluster}," in row]
    assert old in rows[place]
    rows[place] = rows[place].replace(old, new)
    file.write_text("".join(rows))


def kubectl(work: Workspace, *arguments: str) -> Ran:
    return work.run(*command(work), *arguments).require()


def command(work: Workspace) -> tuple[str, ...]:
    return (
        *("kubectl", "--kubeconfig", str(work.place.kubeconfig), "--context", work.place.context),
        *("--namespace", work.namespace),
    )


def wait(work: Workspace, deployment: str, pods: int) -> None:
    kubectl(work, "wait", deployment, f"--for=jsonpath={{.status.readyReplicas}}={pods}", "--timeout=180s")


def pods_of(work: Workspace, deployment: str) -> int:
    return int(kubectl(work, "get", deployment, "--output=jsonpath={.spec.replicas}").output)


def changes_nothing(work: Workspace) -> bool:
    return work.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes").exit_code == 0


def least(work: Workspace, deployment: str) -> int:
    """Return the minimum of a Deployment's autoscaler."""
    name = deployment.replace("deployment", "hpa")
    return int(kubectl(work, "get", name, "--output=jsonpath={.spec.minReplicas}").output)


@contextmanager
def pods_when_it_is_live(work: Workspace) -> Iterator[list[int]]:
    """Watch until the route leads to d2; yield the number of d2's ready pods just before."""
    found: list[int] = []
    ended = threading.Event()
    # One command for both objects: two commands may run seconds apart on a busy machine.
    shown = f"{{.items[0].status.readyReplicas}} {{.items[1]{BACKEND[1:]}"

    def watch() -> None:
        while not ended.wait(0.1):
            seen = kubectl(work, "get", D2, f"ingress/{SERVICE}", f"--output=jsonpath={shown}").output
            ready, _, backend = seen.partition(" ")
            if backend.strip() == contract.cluster_name(SERVICE, "d2"):
                found.append(int(ready or 0))
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


@contextmanager
def never_fewer_pods(work: Workspace, deployment: str, than: int) -> Iterator[None]:
    """Watch that a Deployment never has fewer than `than` available pods during the block."""
    watch = [*command(work), "get", deployment, "--watch", "--output=jsonpath={.status.availableReplicas}/"]
    with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.read(1)
        try:
            yield
        finally:
            process.terminate()
            seen = first + process.stdout.read()
    assert seen
    assert [int(each or 0) for each in seen.split("/")[:-1] if int(each or 0) < than] == []


def test_an_update_leaves_the_number_of_pods_to_the_autoscaler(scaled: Workspace) -> None:
    with never_fewer_pods(scaled, D1, than=3):
        assert changes_nothing(scaled)
        edit(scaled, "d1", "memory: 2Gi", "memory: 1Gi")
        steps.up(scaled).require()
        scaled.bluegrid("switch", "line-loading", "d2", "--up", "--yes").require()
        steps.switch(scaled, "d1")
    assert pods_of(scaled, D1) == 3
    assert changes_nothing(scaled)
    rows = scaled.bluegrid("status", "--json").require().json()
    assert [(row["ready"], row["replicas"]) for row in rows if row["cluster"] == "d1"] == [(3, 3)]


def test_a_cluster_takes_over_with_as_many_pods_as_the_old_one_has_and_no_request_fails(
    scaled: Workspace, local: Local
) -> None:
    autoscaled = f"autoscaling: {{min: 1, max: 3, cpu: {NEVER}}}"
    edit(scaled, "d2", "replicas: 1", autoscaled)
    steps.up(scaled).require()
    wait(scaled, D2, pods=1)
    requests, report = local.prepared.models / "requests.json", scaled.state / "load.json"
    load = Load.start(scaled.place.route_url, SERVICE, requests, report, rate=50, host=scaled.host)
    with load, pods_when_it_is_live(scaled) as pods:
        promote = ("promote", SERVICE, "d2", "--regions", scaled.stack, "--stacks", str(scaled.state))
        promoted = scaled.bluegrid(*promote, "--bake", "60s").require()
        seen = load.stop()
    assert pods == [3], promoted.output
    assert least(scaled, D2) == 1
    assert seen.failed_total == 0, seen.failures
    assert {*seen.by_cluster} == {"d1", "d2"}
    scaled.bluegrid("switch", SERVICE, "d1", "--up", "--yes", "--at-once").require()
    edit(scaled, "d2", autoscaled, "replicas: 1")
    steps.up(scaled).require()
    assert changes_nothing(scaled)


def test_a_cluster_goes_from_its_own_size_to_an_autoscaler_and_back(scaled: Workspace) -> None:
    wide, narrow = (
        f"autoscaling: {{min: {least}, max: {most}, cpu: {ANY}}}" for least, most in ((2, 4), (3, 3))
    )
    edit(scaled, "d2", "replicas: 1", "replicas: 3")
    steps.up(scaled).require()
    with never_fewer_pods(scaled, D2, than=3):
        edit(scaled, "d2", "replicas: 3", wide)
        steps.up(scaled).require()
        wait(scaled, D2, pods=4)
        # So that the autoscaler does not scale once more before it is deleted.
        edit(scaled, "d2", wide, narrow)
        steps.up(scaled).require()
        edit(scaled, "d2", narrow, "replicas: 3")
        steps.up(scaled).require()
    assert pods_of(scaled, D2) == 3
    assert changes_nothing(scaled)


def test_an_autoscaler_is_refused_where_there_is_no_pod(scaled: Workspace) -> None:
    edit(scaled, "d2", "replicas: 3", "replicas: 0")
    steps.up(scaled).require()
    edit(scaled, "d2", "replicas: 0", "autoscaling: {min: 1, max: 2, cpu: 70}")
    for refused in (scaled.pulumi("preview"), steps.up(scaled)):
        assert refused.exit_code != 0
        assert "line-loading-d2 has no pods, and an autoscaler starts none" in refused.output
        assert "Traceback" not in refused.output
