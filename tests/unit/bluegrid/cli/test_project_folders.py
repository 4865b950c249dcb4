"""Commands find registry and stacks of the project from any folder in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from bluegrid.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path

SET = "set: {id: g1, name: Lines, task: regression, type: onnx/onnx, source: user}\nversions: []\n"
SERVICE = f"""\
versions:
  - {{id: v1, manifest: "sha256:{"1" * 64}", updated: 2026-11-21T08:00:00Z}}
service:
  name: lines
  live: {{default: d1, nroth: d1}}
  clusters:
    - {{id: d1, version: v1, replicas: 1, cpu: 1, memory: 1Gi}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("registry", "regions", "notes/old"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "Pulumi.yaml").write_text("{name: grid, runtime: python, stackConfigDir: regions}")
    (tmp_path / "registry" / "g1.yaml").write_text(SET)
    monkeypatch.chdir(tmp_path / "notes" / "old")
    return tmp_path


def message(*command: str) -> str:
    done = CliRunner().invoke(app, [*command])
    return f"{done.stdout}{done.stderr}{done.exception or ''}"


@pytest.mark.usefixtures("project")
def test_the_registry_is_the_projects() -> None:
    assert message("check").startswith("../../registry: 1 model set")


@pytest.mark.usefixtures("project")
def test_a_folder_that_is_named_is_that_one() -> None:
    assert "nope" in message("check", "--registry", "nope")
    assert "../../registry" not in message("check", "--registry", "nope")


def test_so_are_the_stacks_files(project: Path) -> None:
    (project / "registry" / "g1.yaml").write_text(SET.replace("versions: []\n", SERVICE))
    (project / "regions" / "Pulumi.north.yaml").write_text("config: {}\n")
    assert "nroth" in message("check")


def test_a_folder_here_comes_first(project: Path) -> None:
    (project / "notes" / "old" / "registry").mkdir()
    (project / "notes" / "old" / "registry" / "g2.yaml").write_text(SET.replace("g1", "g2"))
    assert message("check").startswith("registry: 1 model set")
