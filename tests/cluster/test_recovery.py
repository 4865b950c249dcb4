"""What docs/operations/recovery.md promises after a loss: of the stack's state, or of all that ran."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tools.demo import steps
from tools.demo.prepare import EXAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Ran, Workspace

UP = ("up", "--yes", "--skip-preview")


def kubectl(work: Workspace, *arguments: str) -> Ran:
    return work.run("kubectl", "--context", work.place.context, *arguments).require()


def pods(work: Workspace) -> set[str]:
    """Return the IDs of all pods."""
    listed = kubectl(work, "get", "pods", "--namespace", work.namespace, "--output=json").output
    return {pod["metadata"]["uid"] for pod in json.loads(listed)["items"]}


def of_state(work: Workspace, *arguments: str) -> None:
    """Run a command of Pulumi's that changes the backend only."""
    work.run("pulumi", "--cwd", str(work.state / "project"), *arguments).require()


@pytest.fixture(scope="module")
def work(local: Local) -> Iterator[Workspace]:
    work = local.workspace("recovery", host="recovery.test")
    steps.declare_set(work, EXAMPLE)
    for version in ("v1", "v2"):
        steps.push(work, local.prepared.models / version, version)
    steps.declare_service(work, EXAMPLE)
    work.pulumi(*UP).require()
    yield work
    kubectl(work, "delete", "namespace", work.namespace)


def test_without_a_state_an_update_adopts_what_runs(work: Workspace) -> None:
    before = pods(work)
    shutil.rmtree(work.state / "pulumi")
    (work.state / "pulumi").mkdir()
    of_state(work, "stack", "init", work.stack)
    work.pulumi(*UP).require()
    assert pods(work) == before
    work.pulumi(*UP, "--expect-no-changes").require()


def test_with_an_older_state_an_update_adopts_what_is_newer(work: Workspace) -> None:
    shutil.copytree(work.state / "pulumi", work.state / "older")
    steps.add_cluster(work, "d2", "v2")
    work.pulumi(*UP).require()
    before = pods(work)
    shutil.rmtree(work.state / "pulumi")
    (work.state / "older").rename(work.state / "pulumi")
    work.pulumi(*UP, "--refresh").require()
    assert pods(work) == before
    work.pulumi(*UP, "--expect-no-changes").require()


def test_without_the_namespace_an_update_makes_everything_again(work: Workspace) -> None:
    kubectl(work, "delete", "namespace", work.namespace)
    # Ends only when the routes lead to the clusters.
    work.pulumi(*UP, "--refresh").require()
    assert "live" in work.bluegrid("status").require().output


def test_a_renamed_stack_keeps_what_runs(work: Workspace) -> None:
    before = pods(work)
    of_state(work, "stack", "rename", "renamed", "--stack", work.stack)
    work.stack = "renamed"
    work.pulumi(*UP).require()
    assert pods(work) == before
