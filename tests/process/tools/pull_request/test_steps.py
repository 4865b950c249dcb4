"""The workflows' steps, run as the workflows run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from tests.support.checkout import CHECKOUT
from tests.support.previews import write_delete_of_load

if TYPE_CHECKING:
    from pathlib import Path


STEPS = CHECKOUT / "tools" / "pull_request"
REGISTRY = "examples/line_loading/registry"
"""The registry that the workflows name."""
WORKFLOWS = sorted((CHECKOUT / ".github" / "workflows").glob("*.yaml"))


def run(step: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    outside["BLUEGRID_REGISTRY"] = REGISTRY
    return subprocess.run(
        [STEPS / step, *arguments], env=outside | environment, capture_output=True, text=True, check=False
    )


def test_every_stack_file_is_a_region_of_the_workflows() -> None:
    assert run("stacks").stdout == 'stacks=["north"]\n'


def test_without_a_state_backend_a_preview_is_left_out_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "previews" / "north.json"
    done = run("preview", "north", file)
    assert (done.returncode, file.exists()) == (0, False)
    assert done.stdout.startswith("north: PULUMI_BACKEND_URL is not set")


def test_a_request_from_a_fork_is_told_from_the_registry_files(tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / REGISTRY, tmp_path / REGISTRY)
    live = tmp_path / REGISTRY / "g1.yaml"
    live.write_text(re.sub(r"live: d\d", "live: d2", live.read_text()))
    done = run("report", tmp_path, tmp_path / "previews")
    assert (done.returncode, done.stderr) == (0, "")
    assert "| north | line-loading | **switch** d2 (v2) → d1 (v1)" in done.stdout


def test_a_pulumi_that_says_nothing_is_a_failed_preview(tmp_path: Path) -> None:
    program = tmp_path / "pulumi"
    program.write_text("#!/bin/sh\nexit 255\n")
    program.chmod(0o755)
    file = tmp_path / "previews" / "north.json"
    path = os.pathsep.join((str(tmp_path), os.environ["PATH"]))
    done = run("preview", "north", file, PULUMI_BACKEND_URL="file:///nowhere", PATH=path)
    assert done.returncode == 0, done.stderr
    refused = run("check", tmp_path / "previews")
    assert (refused.returncode, refused.stderr) == (
        1,
        f"error: {file}: pulumi ended without a word; see the log\n",
    )


def test_a_check_without_previews_still_reads_the_registry(tmp_path: Path) -> None:
    done = run("check", tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{REGISTRY}: 1 model sets, 1 services, no mistakes\n")


def test_a_label_lets_a_live_service_go_and_no_other_label_does(tmp_path: Path) -> None:
    write_delete_of_load(tmp_path / "north.json")
    assert run("check", tmp_path, LABELS="bug load help wanted * allow-delete:other").returncode == 1
    assert run("check", tmp_path, LABELS="bug allow-delete:load").returncode == 0


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: str(path.name))
def test_a_workflow_runs_programs_of_this_checkout_that_exist(workflow: Path) -> None:
    jobs = YAML(typ="safe").load(workflow)["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    named = {word for command in commands for word in command.split() if word.startswith("tools/")}
    assert named
    for name in named:
        assert os.access(CHECKOUT / name, os.X_OK), name
