"""Who decides on the number of pods: what an autoscaler has decided is left alone, in whatever update."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tools.demo import steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.demo.workspace import Ran, Workspace

ANY = 1
"""Percent of the requested CPU that every pod takes: an autoscaler that is to keep that wants its `max`."""
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
    """Write something else into a cluster's row."""
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


@contextmanager
def never_fewer_pods(work: Workspace, deployment: str, than: int) -> Iterator[None]:
    """Watch how many pods of a Deployment are available, all the while."""
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
        scaled.bluegrid(
            "switch", "line-loading", "d2", "--up", "--config-file", str(scaled.stack_file)
        ).require()
        steps.switch(scaled, "d1")
    assert pods_of(scaled, D1) == 3
    assert changes_nothing(scaled)
    rows = scaled.bluegrid("status", "--json").require().json()
    assert [(row["ready"], row["replicas"]) for row in rows if row["cluster"] == "d1"] == [(3, 3)]


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
        # So that it does not scale once more before it goes.
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
