"""`bluegrid stack add|list|show`, as a user types them in the project's folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from tests.support.checkout import CHECKOUT
from tests.support.command import BLUEGRID

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(CHECKOUT / "Pulumi.yaml", tmp_path)
    shutil.copytree(CHECKOUT / "stacks", tmp_path / "stacks")
    return tmp_path


def new(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BLUEGRID, "stack", "add", *arguments],
        cwd=project,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )


def bluegrid(project: Path, *arguments: str) -> str:
    return subprocess.run(
        [BLUEGRID, *arguments], cwd=project, capture_output=True, text=True, check=True
    ).stdout


def config(project: Path, region: str) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(project / "stacks" / f"Pulumi.{region}.yaml")["config"])


def test_a_region_like_another_has_its_settings_under_its_own_name(project: Path) -> None:
    done = new(project, "east", "--like", "north", "--config", "ingressClass=traefik")
    assert (done.returncode, done.stderr) == (0, "")
    north, east = config(project, "north"), config(project, "east")
    assert east["bluegrid:namespace"] == "bluegrid-east"
    assert east["bluegrid:store"] == north["bluegrid:store"].replace("north", "east")
    assert east["bluegrid:ingressClass"] == "traefik"
    assert east.keys() == north.keys()
    assert "pulumi config set --secret --stack east bluegrid:storeSecretKey" in done.stdout


def test_a_stack_with_the_platform_of_another_has_its_settings_unchanged(project: Path) -> None:
    with (project / "stacks" / "Pulumi.north.yaml").open("a") as file:
        file.write("  bluegrid:quotaPods: 50\n  bluegrid:routeKey: {secure: v1:abc}\n")
    north = config(project, "north")
    done = json.loads(bluegrid(project, "stack", "add", "north-lines", "--platform", "north", "--json"))
    lines = config(project, "north-lines")
    assert lines.pop("bluegrid:platform") == "north"
    assert lines == {
        key: value
        for key, value in north.items()
        if key not in ("bluegrid:quotaPods", "bluegrid:routeKey", "bluegrid:proxyNamespace")
    }
    assert done["commands"] == [
        "pulumi stack init north-lines",
        "pulumi config cp bluegrid:routeKey --stack north --dest north-lines",
        "pulumi up --stack north-lines",
    ]
    refused = new(project, "north-cables", "--platform", "north-lines")
    assert refused.stderr == (
        "error: north-lines uses the platform of north itself; name that one: --platform north\n"
    )
    assert bluegrid(project, "ci", "stacks") == "north\nnorth-lines\n"


def test_settings_with_parts_are_taken_as_a_whole_and_secrets_are_not(project: Path) -> None:
    with (project / "stacks" / "Pulumi.north.yaml").open("a") as file:
        file.write("  bluegrid:pods: {nodeSelector: {pool: north}, runAsUser: 1500}\n")
        file.write("  bluegrid:routeKey: {secure: v1:abc}\n")
    assert new(project, "east", "--like", "north").returncode == 0
    east = config(project, "east")
    assert east["bluegrid:pods"] == {"nodeSelector": {"pool": "east"}, "runAsUser": 1500}
    assert "bluegrid:routeKey" not in east


def test_only_the_regions_name_is_replaced_and_other_programs_settings_are_taken_too(project: Path) -> None:
    with (project / "stacks" / "Pulumi.north.yaml").open("a") as file:
        file.write("  bluegrid:proxyNamespace: northwind-north\n  aws:region: north-1\n")
    assert new(project, "east", "--like", "north").returncode == 0
    east = config(project, "east")
    assert (east["bluegrid:proxyNamespace"], east["aws:region"]) == ("northwind-east", "east-1")


def test_what_encrypts_the_secrets_stands_in_the_command_that_makes_the_stack(project: Path) -> None:
    key = "awskms://alias/bluegrid?region=eu-central-1"
    done = new(project, "east", "--like", "north", "--secrets-provider", key)
    command = f"pulumi stack init east --secrets-provider '{key}'"
    assert command in done.stdout
    assert f"#   {command}" in (project / "stacks" / "Pulumi.east.yaml").read_text()


def test_what_a_region_needs_is_told_all_at_once_with_what_it_is_for(project: Path) -> None:
    refused = new(project, "east", "--config", "kubeContext=east")
    assert refused.returncode == 1
    lines = refused.stderr.splitlines()
    assert [line.split()[2] for line in lines] == ["store=...", "image=...", "ingressClass=..."]
    assert lines[1].startswith("error: --config image=... is missing: Image of the model server")
    assert not (project / "stacks" / "Pulumi.east.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["north"], "stacks/Pulumi.north.yaml is there already; edit it, or name another region"),
        (["east", "--like", "south"], "there is no stack south; declared: north"),
        (["east", "--config", "kubeContext"], "--config kubeContext: expected KEY=VALUE, such as"),
        (["east", "--like", "north", "--config", "colour=red"], "colour: no such setting; known: registry,"),
        (["east", "--like", "north", "--config", "routeKey=x"], "routeKey: secret, and a file is not; see"),
        (
            ["east", "--like", "north", "--secrets-provider", "kms://x"],
            "--secrets-provider kms://x: Pulumi has no such provider",
        ),
        (["../east", "--like", "north"], "'../east' is not a region's name; use letters, digits"),
    ],
)
def test_what_cannot_be_written_is_refused_in_one_line(
    project: Path, arguments: list[str], message: str
) -> None:
    refused = new(project, *arguments)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: {message}")
    assert len(refused.stderr.splitlines()) == 1
    assert [path.name for path in (project / "stacks").iterdir()] == ["Pulumi.north.yaml"]


@pytest.mark.parametrize("text", ["", "encryptionsalt: v1\n", "config: [\n", "config: north\n"])
def test_a_region_whose_file_says_nothing_is_no_example(project: Path, text: str) -> None:
    (project / "stacks" / "Pulumi.south.yaml").write_text(text)
    refused = new(project, "east", "--like", "south")
    assert (refused.returncode, refused.stderr) == (
        1,
        "error: stacks/Pulumi.south.yaml: has no settings that can be read; "
        "expected `config:` and a row for each\n",
    )


def test_elsewhere_than_in_a_project_it_says_so(tmp_path: Path) -> None:
    refused = new(tmp_path, "east")
    assert refused.stderr == (
        f"error: {tmp_path} is in no project: no folder above it has a Pulumi.yaml; change to one\n"
    )


def test_a_store_whose_address_is_invalid_is_refused_before_a_file_is_written(project: Path) -> None:
    done = new(project, "east", "--like", "north", "--config", "store=s3:/models")
    assert (done.returncode, done.stdout) == (1, "")
    assert "begins with neither file:// nor s3://; write" in done.stderr
    assert not (project / "stacks" / "Pulumi.east.yaml").exists()


def doctor(project: Path, *settings: str) -> str:
    (project / "stacks" / "Pulumi.north.yaml").write_text("\n".join(["config:", *settings]))
    return subprocess.run(
        [BLUEGRID, "doctor", "--stack", "north"],
        cwd=project,
        env=os.environ | {"KUBECONFIG": str(project / "none")},
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def test_doctor_names_settings_without_which_an_update_is_refused(project: Path) -> None:
    found = doctor(project, "  bluegrid:kubeContext: north", "  bluegrid:image: r/i@sha256:1")
    assert "FAULT stack north: bluegrid:routeKey is not set in " in found
    assert "Pulumi.north.yaml: pulumi config set --secret --stack north bluegrid:routeKey VALUE\n" in found
    assert "pulumi config set --stack north bluegrid:ingressClass VALUE\n" in found
    assert "bluegrid:image is not set" not in found
    assert "storeAccessKey" not in found


def test_doctor_names_a_store_for_which_pods_have_neither_keys_nor_an_identity(project: Path) -> None:
    store = "  bluegrid:store: s3://models/grid"
    assert "RISK  stack north: pods have neither bluegrid:storeAccessKey" in doctor(project, store)
    assert "pods have neither" not in doctor(project, store, "  bluegrid:storeAccessKey: {secure: v1:a}")
    assert "pods have neither" not in doctor(project, "  bluegrid:store: file:///mnt/models")


def test_the_stacks_are_listed_with_where_they_run(project: Path) -> None:
    assert new(project, "east", "--like", "north").returncode == 0
    listed = bluegrid(project, "stack", "list", "--json")
    assert [(row["stack"], row["region"], row["namespace"]) for row in json.loads(listed)] == [
        ("east", "east", "bluegrid-east"),
        ("north", "north", "bluegrid-north"),
    ]


def test_a_stack_is_shown_with_defaults_and_without_secrets(project: Path) -> None:
    with (project / "stacks" / "Pulumi.north.yaml").open("a") as file:
        file.write("  bluegrid:routeKey: {secure: v1:abc}\n")
    shown = bluegrid(project, "stack", "show", "north")
    assert "kubeContext: north\n" in shown
    assert "routeKey: [secret]\n" in shown
    assert "readyTimeout: 600 (default)\n" in shown
    assert "v1:abc" not in shown
