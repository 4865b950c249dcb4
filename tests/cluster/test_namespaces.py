"""A namespace that others have made: the stack adopts it, keeps what is theirs, and can leave it to them."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from tools.demo import steps
from tools.demo.prepare import CHECKOUT, EXAMPLE
from tools.demo.workspace import SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Ran, Workspace

LABELS = {"cost-centre": "4711", "team": "grid"}
LEVEL = "pod-security.kubernetes.io/enforce"
UP = ("up", "--yes", "--skip-preview")


def theirs(namespace: str) -> list[dict[str, Any]]:
    """Return what a platform team makes: the namespace, limits of containers, and a quota."""
    where = {"name": "team", "namespace": namespace}
    labels = LABELS | {LEVEL: "baseline"}
    disk = {"default": {"ephemeral-storage": "2Gi"}, "defaultRequest": {"ephemeral-storage": "1Gi"}}
    limits = [{"type": "Container", **disk}]
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}},
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": where, "spec": {"limits": limits}},
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": where, "spec": {"hard": {"pods": "20"}}},
    ]


def kubectl(work: Workspace, *arguments: str) -> Ran:
    return work.run("kubectl", "--context", work.place.context, *arguments).require()


def get(work: Workspace, *arguments: str) -> Any:
    return json.loads(kubectl(work, "get", *arguments, "--namespace", work.namespace, "--output=json").output)


def of_state(work: Workspace, *arguments: str) -> str:
    """Run a command of Pulumi's that reads or changes the stack's state only."""
    command = ("pulumi", "--cwd", str(work.state / "project"), *arguments, "--stack", work.stack)
    return work.run(*command).require().output


@pytest.fixture(scope="module")
def prepared(local: Local) -> Iterator[Workspace]:
    """A stack whose namespace has been made with another Pod Security level."""
    work = local.workspace("adopted", host="adopted.test")
    file = work.state / "theirs.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": theirs(work.namespace)}))
    kubectl(work, "apply", "--filename", str(file))
    steps.declare_set(work, EXAMPLE)
    steps.push(work, local.prepared.models / "v1", "v1")
    steps.declare_service(work)
    yield work
    kubectl(work, "delete", "namespace", work.namespace)


@pytest.fixture(scope="module")
def refused(prepared: Workspace) -> Ran:
    return prepared.pulumi(*UP)


@pytest.fixture(scope="module")
def work(prepared: Workspace, refused: Ran) -> Workspace:
    """The stack, online after the label of the level is gone."""
    kubectl(prepared, "label", "namespace", prepared.namespace, f"{LEVEL}-")
    prepared.pulumi(*UP).require()
    return prepared


def test_another_pod_security_level_ends_the_first_update(refused: Ran) -> None:
    assert refused.exit_code != 0
    assert f'conflict with "kubectl-client-side-apply" using v1: .metadata.labels.{LEVEL}' in refused.output


def test_labels_of_others_stay(work: Workspace) -> None:
    labels = get(work, "namespace", work.namespace)["metadata"]["labels"]
    assert labels.items() >= LABELS.items()
    assert labels[LEVEL] == "restricted"


def test_a_limit_range_limits_the_disk_of_each_pod(work: Workspace) -> None:
    pods = get(work, "pods", "--selector", f"app={SERVICE}-d1")["items"]
    assert pods
    for pod in pods:
        (container,) = pod["spec"]["containers"]
        assert container["resources"]["limits"]["ephemeral-storage"] == "2Gi"


def test_an_update_finds_nothing_to_change_in_such_pods(work: Workspace) -> None:
    work.pulumi(*UP, "--refresh", "--expect-no-changes").require()


def test_the_documented_command_lists_the_requests_of_services(work: Workspace) -> None:
    page = (CHECKOUT / "docs" / "operations" / "capacity.md").read_text()
    (command,) = re.findall(r"^kubectl .*custom-columns=.*$", page, re.MULTILINE)
    shown = command.replace("bluegrid-north", work.namespace)
    header, *rows = kubectl(work, *shlex.split(shown)[1:]).output.splitlines()
    assert header.split() == ["SERVICE", "CLUSTER", "CPU", "MEMORY"]
    assert {tuple(row.split()[:2]) for row in rows if row} == {(SERVICE, "d1")}


def test_a_stack_is_destroyed_and_leaves_the_namespace(work: Workspace) -> None:
    resources = json.loads(of_state(work, "stack", "export"))["deployment"]["resources"]
    (urn,) = [row["urn"] for row in resources if row["type"] == "kubernetes:core/v1:Namespace"]
    destroy = ("destroy", "--yes", "--skip-preview", "--run-program")
    work.pulumi(*destroy, "--exclude", urn).require()
    of_state(work, "state", "delete", urn, "--yes")
    work.pulumi(*destroy).require()
    of_state(work, "stack", "rm", "--yes")
    kinds = "deployments,jobs,services,ingresses,networkpolicies,secrets,serviceaccounts,resourcequotas"
    left = {(row["kind"], row["metadata"]["name"]) for row in get(work, kinds)["items"]}
    assert left == {("ServiceAccount", "default"), ("ResourceQuota", "team")}
    assert get(work, "namespace", work.namespace)["metadata"]["labels"].items() >= LABELS.items()
