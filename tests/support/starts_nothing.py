"""Enforces that a unit test starts no process and binds no socket.

Python calls audit hooks before each such event, whatever code causes it, so the hook here also prevents it.
"""

from __future__ import annotations

import multiprocessing.util
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPAWN = "multiprocessing.spawn"
_STARTS = {
    "os.exec": "a program",
    "os.fork": "a process",
    "os.forkpty": "a process",
    "os.posix_spawn": "a process",
    "os.spawn": "a process",
    "os.system": "a process",
    "socket.bind": "a server",
    "subprocess.Popen": "a process",
    _SPAWN: "a process",
}
"""What each audit event starts."""

_OF_LIBRARIES = frozenset({"lscpu"})
"""Programs that joblib runs once in a process to count the cores."""

_watched: list[tuple[str, list[str]]] = []
"""Running tests, with what they tried to start; the last is the innermost."""


@contextmanager
def starts_nothing(test: str) -> Iterator[None]:
    """Make starts fail during the block, and fail the test too if it swallows that error.

    Args:
        test: its node ID, such as `tests/unit/tools/load/test_tally.py::test_a_gap_is_found`.
    """
    started: list[str] = []
    _watched.append((test, started))
    try:
        yield
    finally:
        _watched.pop()
    if started:
        pytest.fail(started[0], pytrace=False)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    what = _STARTS.get(event)
    if what is None or not _watched or (event == "subprocess.Popen" and args[0] in _OF_LIBRARIES):
        return
    test, started = _watched[-1]
    file = test.partition("::")[0]
    home = file.replace("tests/unit/", "tests/process/", 1)
    started.append(
        f"{test} starts {what} ({event}), and tests in tests/unit start nothing: move it to {home}"
    )
    pytest.fail(started[-1])


def _spawn(path: Any, args: Any, passfds: Any) -> int:
    sys.audit(_SPAWN, path)
    return _spawn_of_python(path, args, passfds)


# Processes that multiprocessing spawns cause no audit event.
_spawn_of_python = multiprocessing.util.spawnv_passfds
multiprocessing.util.spawnv_passfds = _spawn
sys.addaudithook(_audit)
