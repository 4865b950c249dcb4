"""`make demo`, killed with SIGKILL at one moment after the other, each time started again."""

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

# What the demo prints at each moment, in order. A run that gets to one has done all that lies before it, on
# what the killed runs before it have left behind.
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
        # In turn: the program alone, so that what it has started is left over, and all of it at once.
        assert _killed_at(moment, clone, alone=number % 2 == 0), f"never got to: {moment}"
    assert subprocess.run(["make", "demo"], cwd=clone, check=False).returncode == 0


def _killed_at(moment: str, clone: Path, *, alone: bool) -> bool:
    """Run the demo until it prints `moment`, and kill it; False when it ended without."""
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
                # Whoever is left over holds the pipe: it is closed here, not waited for.
                break
        else:
            return False
    return True


def _kill_child(pid: int) -> None:
    """Kill what make has started, and nothing that this has started."""
    for child in psutil.Process(pid).children():
        child.kill()
