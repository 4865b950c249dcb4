"""What docs/operations/recovery.md promises after a loss: of a state, of a passphrase, or of all that ran."""

from __future__ import annotations

import json
import secrets
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

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
def prepared(local: Local) -> Iterator[Workspace]:
    """A stack whose namespace is not there, and its registry."""
    work = local.workspace("recovery", host="recovery.test")
    steps.declare_set(work, EXAMPLE)
    for version in ("v1", "v2"):
        steps.push(work, local.prepared.models / version, version)
    steps.declare_service(work)
    yield work
    kubectl(work, "delete", "namespace", work.namespace, "--wait=false")


@pytest.fixture(scope="module")
def platform(prepared: Workspace) -> Workspace:
    """The stack's platform alone, as for a Secret that has to be there before the pods."""
    prepared.pulumi(*UP, "--target", "**::platform").require()
    return prepared


@pytest.fixture(scope="module")
def work(platform: Workspace) -> Workspace:
    """The stack, online."""
    platform.pulumi(*UP).require()
    return platform


def test_the_platform_alone_makes_the_namespace_and_no_pods(platform: Workspace) -> None:
    kubectl(platform, "get", "namespace", platform.namespace)
    assert pods(platform) == set()


def test_without_a_state_an_update_adopts_what_runs(work: Workspace) -> None:
    before = pods(work)
    shutil.rmtree(work.state / "pulumi")
    (work.state / "pulumi").mkdir()
    of_state(work, "stack", "init", work.stack)
    work.pulumi(*UP).require()
    assert pods(work) == before
    work.pulumi(*UP, "--expect-no-changes").require()


def test_without_the_passphrase_new_secrets_and_a_new_state_replace_no_pod(work: Workspace) -> None:
    before = pods(work)
    settings = yaml.safe_load(work.stack_file.read_text())
    del settings["encryptionsalt"]
    lost = [key for key, value in settings["config"].items() if isinstance(value, dict) and "secure" in value]
    for key in lost:
        del settings["config"][key]
    work.stack_file.write_text(yaml.safe_dump(settings))
    shutil.rmtree(work.state / "pulumi")
    (work.state / "pulumi").mkdir()
    (work.state / "passphrase").write_text(secrets.token_urlsafe(32))
    (work.state / "project" / f"Pulumi.{work.stack}.yaml").unlink(missing_ok=True)
    of_state(work, "stack", "init", work.stack)
    values = {
        "bluegrid:storeAccessKey": work.place.reader.access_key,
        "bluegrid:storeSecretKey": work.place.reader.secret_key,
        "bluegrid:routeKey": secrets.token_urlsafe(32),
    }
    assert values.keys() == {*lost}
    work.pulumi("config", "set-all", *(f"--secret={key}={value}" for key, value in values.items())).require()
    work.pulumi(*UP).require()
    assert pods(work) == before


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
