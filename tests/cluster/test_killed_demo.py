"""`make demo`, killed with SIGKILL at one moment after the other, and started again each time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.support.endurance import FULL
from tools.demo.prepare import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not FULL, reason="half an hour; `make endurance` runs it")

# The demo's output at each moment, in order. A run that prints a line has completed all steps before it, on
# the state that the killed runs before it have left.
MOMENTS = (
    "Installing Python packages",
    "plan ",
    "models ",
    "A Kubernetes node and an S3 server start",
    "etcd ",
    "kube-apiserver ",
    "kubelet ",
    "delete namespace",
    "stack init",
    "Four versions",
    "--version v3",
    "Updating (demo)",
    "Job line-loading-d1-preflight created",
    "Ingress line-loading created",
    "Every device's model",
    "From here on",
    "Deployment line-loading-d2 created",
    "Switch to d2",
    "And back to d1",
    "In one update",
    "Ingress line-loading updated",
    "Ingress line-loading-d1 deleted",
    "A byte of v4",
    "d4 is refused",
    "d4 is taken out",
    "Deployment line-loading-d4 created",
    "What was promised",
)


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "bluegrid"
    subprocess.run(["git", "clone", "--quiet", CHECKOUT, folder], check=True)
    yield folder
    subprocess.run(["make", "clean"], cwd=folder, check=True)


def test_a_demo_that_was_killed_at_any_step_starts_again_and_ends_well(clone: Path) -> None:
    for number, moment in enumerate(MOMENTS):
        # In turn: the program alone, so that its children are left over, and the whole process group.
        assert _killed_at(moment, clone, alone=number % 2 == 0), f"never got to: {moment}"
    assert subprocess.run(["make", "demo"], cwd=clone, check=False).returncode == 0


def _killed_at(moment: str, clone: Path, *, alone: bool) -> bool:
    """Run the demo until it prints `moment`, and kill it; return False if it ended first."""
    with subprocess.Popen(
        ["make", "demo"],
        cwd=clone,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as make:
        for line in make.stdout or ():
            sys.stdout.write(line)
            if moment in line:
                sys.stdout.write(f"KILLED at: {moment}\n")
                if alone:
                    _kill_child(make.pid)
                else:
                    os.killpg(make.pid, signal.SIGKILL)
                # Leftover children hold the pipe open: close it here instead of reading to its end.
                break
        else:
            return False
    return True


def _kill_child(pid: int) -> None:
    """Kill make's child, and none of that child's children."""
    for child in psutil.Process(pid).children():
        child.kill()
