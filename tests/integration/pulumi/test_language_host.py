"""The stand-in language host, as the engine starts it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.pulumi.conftest import STAND_IN

if TYPE_CHECKING:
    from tests.integration.pulumi.conftest import Engine

ENGINE = "127.0.0.1:1"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A Pulumi project with the virtual environment of this Python."""
    folder = tmp_path / "a project"
    folder.mkdir()
    (folder / "env").symlink_to(Path(sys.prefix))
    (folder / "Pulumi.yaml").write_text(
        "name: bluegrid\nruntime:\n  name: python\n  options:\n    virtualenv: env\n"
    )
    return folder


def start(project: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [STAND_IN, ENGINE], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_port_and_leaves_without_a_word(project: Path, number: signal.Signals) -> None:
    with start(project) as host:
        assert host.stdout is not None
        port = host.stdout.readline()
        host.send_signal(number)
        rest = host.communicate(timeout=30)
    assert 0 < int(port) < 65536
    assert rest == ("", "")
    assert host.returncode == 0


def test_it_goes_when_the_engine_is_killed(project: Path) -> None:
    # A shell in place of the engine: it starts the host, prints its process ID and ends.
    script = f'"{STAND_IN}" {ENGINE} > port 2> log & while [ ! -s port ]; do sleep 0.05; done; echo $!'
    started = subprocess.run(["sh", "-c", script], cwd=project, capture_output=True, text=True, timeout=60)
    host = int(started.stdout)
    try:
        deadline = time.monotonic() + 30
        while Path(f"/proc/{host}").exists():
            assert time.monotonic() < deadline, "the host is still there"
            time.sleep(0.05)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(host, signal.SIGKILL)


def test_without_the_virtual_environment_it_says_how_to_make_it(project: Path) -> None:
    (project / "env").unlink()
    with start(project) as host:
        _, message = host.communicate(timeout=30)
    assert host.returncode == 1
    assert message == (
        f"pulumi-language-python: {project}/env/bin/python does not exist; "
        "make it with: uv sync --all-packages --all-extras\n"
    )


@pytest.fixture
def stood_in(engine: Engine) -> Engine:
    """An engine that finds the stand-in, even if the machine has an official host."""
    front = engine.config.parent / "front"
    front.mkdir()
    (front / STAND_IN.name).symlink_to(STAND_IN)
    engine.environment["PATH"] = os.pathsep.join((str(front), engine.environment["PATH"]))
    return engine


def test_a_program_that_breaks_shows_where(stood_in: Engine, project: Path) -> None:
    (project / "__main__.py").write_text("import neighbour\n\nneighbour.broken()\n")
    (project / "neighbour.py").write_text("def broken():\n    raise KeyError('lost')\n")
    stood_in.require("stack", "init", "broken", cwd=project)
    ran = stood_in.run("preview", "--stack", "broken", cwd=project)
    assert ran.exit_code != 0
    assert "neighbour.py" in ran.stdout
    assert "KeyError: 'lost'" in ran.stdout
    shutil.rmtree(project / "__pycache__", ignore_errors=True)


def test_what_a_program_has_registered_for_its_end_is_done(stood_in: Engine, project: Path) -> None:
    (project / "__main__.py").write_text(
        "import atexit, pathlib\n\natexit.register(pathlib.Path('key').unlink)\n"
    )
    (project / "key").touch()
    stood_in.require("stack", "init", "ends", cwd=project)
    stood_in.require("preview", "--stack", "ends", cwd=project)
    assert not (project / "key").exists()
