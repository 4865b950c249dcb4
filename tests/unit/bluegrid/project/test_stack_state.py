"""Copies of a stack's state with some of its services."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid.project import Project
from bluegrid.project.stack_state import StackState

if TYPE_CHECKING:
    from pathlib import Path

ROOT = "urn:pulumi:north::grid::pulumi:pulumi:Stack::grid-north"
URLS = {"load": "/modelService/load", "wind": "/modelService/wind"}


def resource(kinds: str, name: str, parent: str = ROOT, **more: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:north::grid::{kinds}::{name}"
    return {"urn": urn, "type": kinds.rpartition("$")[2], "parent": parent, **more}


def of_service(name: str) -> list[dict[str, Any]]:
    service = resource("bluegrid:serving:ModelService", name)
    cluster = resource(
        "bluegrid:serving:ModelService$bluegrid:serving:ModelCluster", f"{name}-d1", service["urn"]
    )
    pods = resource(f"{cluster['type']}$kubernetes:apps/v1:Deployment", f"{name}-d1", cluster["urn"])
    return [service, cluster, pods]


def state(**deployment: Any) -> StackState:
    root = {"urn": ROOT, "type": "pulumi:pulumi:Stack", "outputs": {"urls": URLS, "commit": "c0ffee"}}
    own = resource("aws:s3/bucket:Bucket", "of-the-program")
    resources = [root, own, *of_service("load"), *of_service("wind")]
    providers = {"type": "passphrase", "state": {"salt": "v1:x"}}
    return StackState(3, {"resources": resources, "secrets_providers": providers, **deployment})


def names(of: StackState) -> list[str]:
    return [each["urn"].rpartition("::")[2] for each in of.resources]


def test_a_copy_has_some_services_and_all_that_is_no_service_s() -> None:
    copy = state().with_services(["wind"])
    assert names(copy) == ["grid-north", "of-the-program", "wind", "wind-d1", "wind-d1"]
    assert copy.deployment["secrets_providers"] == state().deployment["secrets_providers"]


def test_a_service_whose_name_begins_another_s_is_another() -> None:
    deployment = {"resources": [*state().resources, *of_service("wind-north")]}
    assert "wind-north" not in names(state(**deployment).with_services(["wind"]))


def test_urls_are_left_out_so_that_other_services_do_not_seem_deleted() -> None:
    root = state().with_services(["wind"]).resources[0]
    assert root["outputs"] == {"commit": "c0ffee"}
    assert state().resources[0]["outputs"]["urls"] == URLS


def test_operations_that_were_interrupted_come_along_with_their_service() -> None:
    load, wind = of_service("load")[2], of_service("wind")[2]
    operations = [{"resource": load, "type": "updating"}, {"resource": wind, "type": "updating"}]
    copy = state(pending_operations=operations).with_services(["wind"])
    assert copy.deployment["pending_operations"] == operations[1:]


def test_the_applied_commit_is_an_output() -> None:
    assert state().applied_commit == "c0ffee"
    assert StackState(3, {}).applied_commit is None


@pytest.mark.parametrize(
    ("deployment", "can_be"),
    [
        ({}, True),
        ({"secrets_providers": {"type": "cloud"}}, True),
        ({"secrets_providers": {"type": "service"}}, False),
        ({"secrets_providers": None}, False),
        ({"resources": []}, False),
        ({"resources": None}, False),
    ],
)
def test_a_copy_needs_resources_and_secrets_that_pulumi_cloud_does_not_hold(
    deployment: dict[str, Any], can_be: bool
) -> None:
    assert state(**deployment).can_be_copied is can_be


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "Pulumi.yaml").write_text("{name: grid, runtime: python}")
    return Project.find(tmp_path)


def test_a_state_that_is_written_is_read_again(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = tmp_path / "backend"
    state().write(backend, "grid", "north")
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{backend}?metadata=skip")
    assert StackState.read("north", project) == state()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", json.dumps({"version": 3, "checkpoint": {}})])
def test_a_state_of_another_layout_is_read_by_pulumi(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    state().write(tmp_path, "grid", "north")
    (tmp_path / ".pulumi" / "stacks" / "grid" / "north.json").write_text(content)
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    exported = StackState(3, {"resources": []})
    monkeypatch.setattr(StackState, "_exported", lambda *_: exported)
    assert StackState.read("north", project) is exported
