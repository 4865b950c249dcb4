"""A registry of one service, and the commands that an operator types on it, run in this process."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from bluegrid.cli.main import app
from bluegrid.cli.remedies import message_of
from bluegrid_registry import BluegridError

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

DIGEST = "sha256:" + "a" * 64
TEXT = f"""\
# kept by grid operations
set: {{id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "{DIGEST}", updated: 2026-11-22T08:00:00Z}}
  - {{id: v2, manifest: "{DIGEST}", updated: 2026-11-23T08:00:00Z}}
service:
  name: line-loading
  live: d1  # the only word that a switch changes
  clusters:
    - {{id: d1, version: v1, replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}}  # big
    - id: d2  # stands by
      version: v2
      cpu: 2
      memory: 2Gi
  regions: [north, east]
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "registry").mkdir()
    file = tmp_path / "registry" / "g1.yaml"
    file.write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    for name in ("BLUEGRID_STACK", "BLUEGRID_REGISTRY"):
        monkeypatch.delenv(name, raising=False)
    return file


def bluegrid(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def output_of(*arguments: str) -> str:
    done = bluegrid(*arguments)
    assert done.exit_code == 0, done.output + str(done.exception)
    return done.output


def refused(*arguments: str) -> str:
    done = bluegrid(*arguments)
    assert isinstance(done.exception, BluegridError)
    return message_of(done.exception)


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True)


def stack_file(project: Path, name: str, **settings: str) -> Path:
    """Write the file of a stack, in a project."""
    (project / "Pulumi.yaml").write_text("{name: grid, runtime: python}")
    (project / "stacks").mkdir(exist_ok=True)
    file = project / "stacks" / f"Pulumi.{name}.yaml"
    written = {"kubeContext": name, "registry": "registry", **settings}
    file.write_text("config:\n" + "".join(f"  bluegrid:{key}: {value}\n" for key, value in written.items()))
    return file


def pulumi_that(does: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace `pulumi` with a line of shell."""
    (tmp_path / "bin").mkdir()
    pulumi = tmp_path / "bin" / "pulumi"
    pulumi.write_text(f"#!/bin/sh\n{does}\n")
    pulumi.chmod(0o700)
    stack_file(tmp_path, "north")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
