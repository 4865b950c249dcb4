"""A project is found from any folder in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bluegrid.project import Project
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "grid" / "registry" / "old").mkdir(parents=True)
    (tmp_path / "grid" / "Pulumi.yaml").write_text("name: grid-models\nruntime: python\n")
    return tmp_path / "grid"


@pytest.mark.parametrize("below", [".", "registry", "registry/old"])
def test_it_is_found_from_folders_below(folder: Path, below: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / below)
    assert Project.find() == Project(folder / "Pulumi.yaml", "grid-models", folder / "stacks")
    assert Project.find(folder / below) == Project.find()


def test_it_says_where_its_stacks_have_their_files(folder: Path) -> None:
    with (folder / "Pulumi.yaml").open("a") as file:
        file.write("stackConfigDir: regions\n")
    assert Project.find(folder).stacks == folder / "regions"


def test_the_nearest_project_is_the_one(folder: Path) -> None:
    (folder / "registry" / "Pulumi.yml").write_text("name: inner\n")
    assert Project.find(folder / "registry" / "old").name == "inner"


def test_a_folder_in_no_project_is_refused(tmp_path: Path) -> None:
    assert Project.around(tmp_path) is None
    with pytest.raises(ConfigError, match=f"^{re.escape(str(tmp_path))} is in no project: .*Pulumi.yaml"):
        Project.find(tmp_path)


@pytest.mark.parametrize("text", ["", "name: [", "runtime: python\n", "name: {a: 1}\n", "- name\n"])
def test_a_file_without_a_name_is_refused(folder: Path, text: str) -> None:
    (folder / "Pulumi.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"Pulumi.yaml: has no `name:` that can be read"):
        Project.find(folder)
