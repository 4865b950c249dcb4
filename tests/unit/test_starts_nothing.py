"""The guard of this folder: a test that starts something fails, and the error names the right folder."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.checkout import CHECKOUT
from tests.support.starts_nothing import starts_nothing

if TYPE_CHECKING:
    from collections.abc import Callable

TEST = "tests/unit/tools/load/test_tally.py::test_a_gap_is_found"
WHERE = f"{TEST} starts .* start nothing: move it to tests/process/tools/load/test_tally.py$"
FOLDERS = {
    "bluegrid_components": "components",
    "bluegrid_registry": "model_registry",
    "bluegrid_server": "model_server",
}


def run_a_program() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def spawn() -> None:
    multiprocessing.get_context("spawn").Process(target=int).start()


def bind_a_port() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))


STARTS = (run_a_program, fork, spawn, bind_a_port)


@pytest.mark.parametrize("start", STARTS)
def test_what_starts_something_fails_with_where_it_belongs(start: Callable[[], None]) -> None:
    with pytest.raises(pytest.fail.Exception, match=WHERE), starts_nothing(TEST):
        start()


@pytest.mark.parametrize("start", STARTS)
def test_a_test_that_swallows_the_error_fails_all_the_same(start: Callable[[], None]) -> None:
    swallowed = contextlib.suppress(pytest.fail.Exception)
    with pytest.raises(pytest.fail.Exception, match=WHERE), starts_nothing(TEST), swallowed:
        start()


def test_connected_sockets_of_this_process_are_no_start() -> None:
    with starts_nothing(TEST):
        for end in socket.socketpair():
            end.close()


@pytest.mark.parametrize("tier", ["unit", "process"])
def test_folders_mirror_the_tree(tier: str) -> None:
    tests = CHECKOUT / "tests" / tier
    folders = {file.parent.relative_to(tests) for file in tests.rglob("test_*.py")}
    strays = [folder for folder in folders if not (CHECKOUT / _tested(folder)).is_dir()]
    assert strays == []


def _tested(folder: Path) -> Path:
    """Return the folder whose code the tests in this folder test."""
    package = folder.parts[0] if folder.parts else ""
    return Path(FOLDERS.get(package, "")) / folder
