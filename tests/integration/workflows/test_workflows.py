"""The workflows of the product and of a user's project, by actionlint and zizmor."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from bluegrid import cache
from bluegrid.image.packages import uv
from tests.support.checkout import CHECKOUT
from tools import toolchain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PRODUCT = CHECKOUT / ".github" / "workflows"
TEMPLATE = CHECKOUT / "bluegrid" / "templates" / "project" / ".github" / "workflows"
INJECTION = """\
name: greet
on: pull_request
permissions: {}
jobs:
  greet:
    runs-on: ubuntu-latest
    steps:
      - run: echo "${{ github.event.pull_request.title }}"
"""


def of(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.yaml"))
    assert found, f"{folder} has no workflow"
    return found


def actionlint(files: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    program = toolchain.obtain(["actionlint"])["actionlint"]
    return run([str(program), "-no-color", *map(str, files)])


def zizmor(files: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    program = [uv(), "run", "--quiet", "--isolated", "--frozen", "--only-group", "release", "zizmor"]
    return run([*program, "--offline", "--quiet", "--no-progress", *map(str, files)])


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environment = {"UV_CACHE_DIR": str(cache.root() / "uv")} | os.environ
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("folder", [PRODUCT, TEMPLATE], ids=["product", "template"])
def test_workflows_are_valid(folder: Path) -> None:
    done = actionlint(of(folder))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", [PRODUCT, TEMPLATE], ids=["product", "template"])
def test_workflows_are_hardened(folder: Path) -> None:
    done = zizmor(of(folder))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("check", [actionlint, zizmor])
def test_text_of_strangers_in_a_script_is_found(check: object, tmp_path: Path) -> None:
    workflow = tmp_path / "greet.yaml"
    workflow.write_text(INJECTION)
    done = actionlint([workflow]) if check is actionlint else zizmor([workflow])
    assert done.returncode != 0
    assert "github.event.pull_request.title" in done.stdout
