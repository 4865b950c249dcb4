"""Stacks whose state is in a bucket of a real S3 server, shared by several people."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.stores.conftest import ACCESS_KEY, SECRET_KEY, running_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.pulumi.conftest import Engine

BUCKET = "state"
UP = ("up", "--yes", "--skip-preview", "--stack", "north")

# The program needs no cluster, and an update takes as long as a test wants.
PROGRAM = """\
import time
from pathlib import Path

import pulumi

pulumi.ComponentResource("bluegrid:tests:Nothing", "nothing")
if not pulumi.runtime.is_dry_run():
    Path("begun").touch()
    while Path("hold").exists():
        time.sleep(0.05)
"""


@pytest.fixture
def project(engine: Engine, tmp_path: Path) -> Iterator[Path]:
    """A project whose stack `north` has its state in the bucket."""
    folder = tmp_path / "waiting"
    folder.mkdir()
    (folder / "env").symlink_to(Path(sys.prefix))
    (folder / "Pulumi.yaml").write_text(
        "name: bluegrid\nruntime:\n  name: python\n  options:\n    virtualenv: env\n"
    )
    (folder / "__main__.py").write_text(PROGRAM)
    bucket(folder).mkdir(parents=True)
    with running_server(bucket(folder).parent) as server:
        state = f"s3://{BUCKET}?endpoint={server.endpoint}&region=us-east-1&s3ForcePathStyle=true"
        engine.environment |= {
            "PULUMI_BACKEND_URL": state,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        engine.require("stack", "init", "north", cwd=folder)
        yield folder


def bucket(project: Path) -> Path:
    """Return the folder in which the server keeps the bucket's objects."""
    return project.parent / "s3" / BUCKET


def test_an_update_and_a_preview_find_the_state_in_the_bucket(engine: Engine, project: Path) -> None:
    engine.require(*UP, cwd=project)
    assert (bucket(project) / ".pulumi" / "stacks" / "bluegrid" / "north.json").is_file()
    again = engine.require("preview", "--stack", "north", "--expect-no-changes", cwd=project)
    assert "2 unchanged" in again.stdout
    assert engine.require("stack", "ls", cwd=project).stdout.count("north") == 1


def test_a_second_update_is_refused_by_the_lock_until_one_that_was_killed_is_cancelled(
    engine: Engine, project: Path
) -> None:
    (project / "hold").touch()
    first = subprocess.Popen(
        ["pulumi", *UP, "--non-interactive"],
        cwd=project,
        env=engine.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until((project / "begun").exists)
        _assert_locked(engine, project, first.pid)
        first.kill()
        first.wait()
        # No process is left to remove the lock.
        _assert_locked(engine, project, first.pid)
    finally:
        first.kill()
        first.wait()
        (project / "hold").unlink()
    engine.require("cancel", "--yes", "--stack", "north", cwd=project)
    engine.require(*UP, cwd=project)
    assert not [*bucket(project).rglob("locks/**/*.json")]


def _assert_locked(engine: Engine, project: Path, by: int) -> None:
    refused = engine.run(*UP, cwd=project)
    assert refused.exit_code != 0
    message = refused.stdout + refused.stderr
    assert "error: the stack is currently locked by 1 lock(s)" in message
    assert "`pulumi cancel`" in message
    assert f"(pid {by})" in message


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
