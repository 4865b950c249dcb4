"""The files that `bluegrid init` and `pulumi new` lay down agree with the rest of the repository."""

from __future__ import annotations

import re
import shutil
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement
from ruamel.yaml import YAML

from bluegrid.project.new_project import TEMPLATE
from bluegrid.project.settings import declared_settings
from bluegrid_registry import Registry
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKFLOWS = sorted((TEMPLATE / ".github" / "workflows").glob("*.yaml"))
CI = (*WORKFLOWS, TEMPLATE / ".gitlab-ci.yml")


def loaded(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def steps(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in loaded(workflow)["jobs"].values():
        yield from job["steps"]


def test_the_program_is_this_repositorys() -> None:
    assert (TEMPLATE / "__main__.py").read_text() == (CHECKOUT / "__main__.py").read_text()


def test_pulumi_asks_for_settings_that_there_are_and_knows_which_are_secret() -> None:
    questions = loaded(TEMPLATE / "Pulumi.yaml")["template"]["config"]
    declared = declared_settings()
    for key, question in questions.items():
        setting = declared[key.removeprefix("bluegrid:")]
        assert question.get("secret", False) == setting.get("secret", False), key


def test_the_required_range_has_this_version_and_not_the_next_release() -> None:
    (line,) = [
        each for each in (TEMPLATE / "requirements.txt").read_text().splitlines() if not each.startswith("#")
    ]
    required = Requirement(line)
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    major, minor, _ = version.split(".")
    assert (required.name, required.extras) == ("bluegrid", {"policy", "stack"})
    assert version in required.specifier
    assert f"{major}.{minor}.99" in required.specifier
    assert f"{major}.{int(minor) + 1}.0" not in required.specifier


def test_the_example_of_a_registry_file_has_no_mistakes(tmp_path: Path) -> None:
    shutil.copy(TEMPLATE / "registry" / "g1.yaml.example", tmp_path / "g1.yaml")
    (file,) = Registry.load(tmp_path).files
    assert file.service is not None


def test_a_registry_without_a_set_has_no_mistakes() -> None:
    assert Registry.load(TEMPLATE / "registry").files == ()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: str(path.name))
def test_an_action_is_pinned_to_a_commit_with_its_version_beside_it(workflow: Path) -> None:
    used = re.findall(r"uses: (.*)", workflow.read_text())
    assert used
    assert [each for each in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: str(path.name))
def test_no_script_of_a_workflow_contains_what_a_request_can_choose(workflow: Path) -> None:
    assert [step["run"] for step in steps(workflow) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("path", CI, ids=lambda path: str(path.name))
def test_a_step_of_bluegrid_is_a_command_that_there_is(path: Path) -> None:
    named = {*re.findall(r"bluegrid (ci [a-z]+|check)\b", path.read_text())}
    modules = {each.replace(" ", "/") for each in named}
    assert len(modules) > 2
    assert [each for each in modules if not (CHECKOUT / "bluegrid" / "cli" / f"{each}.py").is_file()] == []


def test_both_forges_take_the_same_steps() -> None:
    of_github = {step for path in WORKFLOWS for step in re.findall(r"bluegrid ci \w+", path.read_text())}
    assert of_github == {*re.findall(r"bluegrid ci \w+", (TEMPLATE / ".gitlab-ci.yml").read_text())}
