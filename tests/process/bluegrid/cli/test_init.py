"""`bluegrid init`, as a user types it in an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from bluegrid.project.new_project import OBSERVABILITY
from tests.support.command import BLUEGRID

if TYPE_CHECKING:
    from pathlib import Path

ALL = ("--store", "s3://models/{region}", "--context", "{region}-1", "--image", "r/i@sha256:1")
SECRET = 'pulumi config set --secret --stack north bluegrid:routeKey "$(openssl rand -hex 32)"'


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("BLUEGRID_")}
    return subprocess.run(
        [BLUEGRID, *arguments], cwd=folder, env=outside, capture_output=True, text=True, check=False
    )


def init(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "init", "grid-models", *arguments)


def stack(folder: Path, region: str) -> dict[str, Any]:
    file = folder / "grid-models" / "stacks" / f"Pulumi.{region}.yaml"
    return dict(YAML(typ="safe").load(file)["config"])


def test_a_new_project_has_no_mistakes_and_names_the_three_next_commands(tmp_path: Path) -> None:
    done = init(tmp_path, "--region", "north", *ALL, "--config", "ingressClass=contour")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == [
        "  cd grid-models && pulumi install && . .venv/bin/activate",
        "  pulumi stack init north",
        f"  {SECRET}",
    ]
    checked = run(tmp_path / "grid-models", "check")
    assert (checked.returncode, checked.stdout) == (0, "registry: 0 model sets, 0 services, no mistakes\n")


def test_its_own_name_stands_in_its_files(tmp_path: Path) -> None:
    init(tmp_path, "--region", "north", *ALL)
    project = YAML(typ="safe").load(tmp_path / "grid-models" / "Pulumi.yaml")
    assert project["name"] == "grid-models"
    assert "template" not in project
    assert (tmp_path / "grid-models" / "README.md").read_text().startswith("# grid-models\n")
    left = [
        path
        for path in (tmp_path / "grid-models").rglob("*")
        if path.is_file() and b"${PROJECT}" in path.read_bytes()
    ]
    assert left == []


def test_every_region_is_a_stack_with_its_name_in_place_of_the_word_region(tmp_path: Path) -> None:
    assert init(tmp_path, "--region", "north", "--region", "east", *ALL).returncode == 0
    assert stack(tmp_path, "north")["bluegrid:namespace"] == "bluegrid-north"
    assert stack(tmp_path, "east") == {
        "bluegrid:namespace": "bluegrid-east",
        "bluegrid:kubeContext": "east-1",
        "bluegrid:store": "s3://models/east",
        "bluegrid:image": "r/i@sha256:1",
    }


def test_what_a_stack_needs_and_was_not_named_is_said_and_stands_in_its_file(tmp_path: Path) -> None:
    done = init(tmp_path, "--region", "north")
    last = done.stdout.splitlines()[-1]
    assert last == "fill in grid-models/stacks/Pulumi.north.yaml: kubeContext, store, image, ingressClass"
    text = (tmp_path / "grid-models" / "stacks" / "Pulumi.north.yaml").read_text()
    assert "\n  # bluegrid:kubeContext:   # Context in the kubeconfig." in text


def test_images_are_one_for_all_or_by_family(tmp_path: Path) -> None:
    images = ("--image", "lightgbm=r/l@sha256:2", "--image", "r/i@sha256:1")
    init(tmp_path, "--region", "north", *images)
    settings = stack(tmp_path, "north")
    assert settings["bluegrid:image"] == "r/i@sha256:1"
    assert settings["bluegrid:images"] == {"lightgbm": "r/l@sha256:2"}


def test_editors_find_a_schema_beside_the_files_that_name_it(tmp_path: Path) -> None:
    init(tmp_path, "--region", "north", *ALL)
    project = tmp_path / "grid-models"
    for kind, folder, file in (
        ("stack", "stacks", "Pulumi.north.yaml"),
        ("registry", "registry", "g1.yaml.example"),
    ):
        first = (project / folder / file).read_text().partition("\n")[0]
        assert first == "# yaml-language-server: $schema=schema.json"
        assert (project / folder / "schema.json").read_text() == run(tmp_path, "schema", kind).stdout


@pytest.mark.parametrize(
    ("ci", "there"), [("github", {".github"}), ("gitlab", {".gitlab-ci.yml"}), ("none", set())]
)
def test_workflows_are_those_of_the_forge_that_is_named(ci: str, there: set[str], tmp_path: Path) -> None:
    init(tmp_path, "--region", "north", "--ci", ci)
    folder = tmp_path / "grid-models"
    assert {name for name in (".github", ".gitlab-ci.yml") if (folder / name).exists()} == there


def test_rules_and_dashboards_are_copied_if_they_are_wanted(tmp_path: Path) -> None:
    init(tmp_path, "--region", "north")
    assert not (tmp_path / "grid-models" / "observability").exists()
    run(tmp_path, "init", "other", "--region", "north", "--observability")
    copied = tmp_path / "other" / "observability"
    assert {path.name: path.read_text() for path in copied.iterdir()} == {
        path.name: path.read_text() for path in OBSERVABILITY.iterdir()
    }
    assert {"rules.yaml", "dashboard.json"} <= {path.name for path in copied.iterdir()}


def test_it_is_a_git_repository_that_leaves_out_what_is_made(tmp_path: Path) -> None:
    init(tmp_path, "--region", "north")
    folder = tmp_path / "grid-models"
    (folder / ".venv").mkdir()
    (folder / ".venv" / "file").touch()
    (folder / "previews").mkdir()
    (folder / "previews" / "north.json").touch()
    listed = subprocess.run(
        ["git", "-C", folder, "ls-files", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "Pulumi.yaml" in listed
    assert "stacks/Pulumi.north.yaml" in listed
    assert not [each for each in listed if each.startswith((".venv", "previews"))]


def test_in_a_git_repository_it_makes_no_other(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    init(tmp_path, "--region", "north")
    assert not (tmp_path / "grid-models" / ".git").exists()


def test_its_own_test_passes(tmp_path: Path) -> None:
    init(tmp_path, "--region", "north", *ALL)
    tests = tmp_path / "grid-models" / "tests"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "1 passed" in ran.stdout


def test_the_next_region_is_like_the_first(tmp_path: Path) -> None:
    init(tmp_path, "--region", "north", *ALL, "--config", "ingressClass=contour")
    added = run(tmp_path / "grid-models", "stack", "add", "east", "--like", "north")
    assert (added.returncode, added.stderr) == (0, "")
    assert stack(tmp_path, "east")["bluegrid:namespace"] == "bluegrid-east"
    text = (tmp_path / "grid-models" / "stacks" / "Pulumi.east.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")


def test_a_machine_reads_what_was_written_and_what_comes_next(tmp_path: Path) -> None:
    done = init(tmp_path, "--region", "north", "--json").stdout
    report = json.loads(done)
    assert report["project"] == "grid-models"
    assert "stacks/Pulumi.north.yaml" in report["files"]
    assert report["next"][-1] == SECRET
    assert report["missing"] == {"Pulumi.north.yaml": ["kubeContext", "store", "image", "ingressClass"]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a b", "--region", "north"], "'a b' is not a project's name; use letters, digits, dashes, dots"),
        (["..", "--region", "north"], "'..' is not a project's name"),
        (["grid", "--region", "the north"], "'the north' is not a region's name; use letters, digits"),
        (["grid", "--region", "north", "--region", "north"], "--region north is named twice"),
        (
            ["grid", "--region", "north", "--config", "colour=red"],
            "colour: no such setting; known: registry,",
        ),
        (["grid", "--region", "north", "--config", "routeKey=x"], "routeKey: secret, and a file is not; see"),
        (["grid", "--region", "north", "--config", "host"], "--config host: expected KEY=VALUE"),
        (
            ["grid", "--region", "North"],
            "'bluegrid-North' is not a name of a namespace: lower-case letters, digits and dashes",
        ),
        (["grid", "--region", "north", "--image", "a", "--image", "b"], "--image b: one image is for all"),
        (["grid", "--region", "north", "--ci", "jenkins"], "Invalid value for '--ci': "),
        (["grid"], "Missing option '--region'"),
        (["full", "--region", "north"], "full is not empty; name another folder"),
        (["file", "--region", "north"], "file: cannot be written: Not a directory"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line_and_nothing_is_written(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes").touch()
    (tmp_path / "file").touch()
    refused = run(tmp_path, "init", *arguments)
    assert refused.returncode in (1, 2)
    assert refused.stderr.startswith(f"error: {message}")
    assert refused.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "full", "notes"]


def test_an_empty_folder_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "grid-models").mkdir()
    assert init(tmp_path, "--region", "north").returncode == 0


def test_without_git_the_files_are_there_all_the_same(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    environment = {**os.environ, "PATH": str(programs)}
    command = [str(BLUEGRID), "init", "grid-models", "--region", "north"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "grid-models" / "Pulumi.yaml").exists()
