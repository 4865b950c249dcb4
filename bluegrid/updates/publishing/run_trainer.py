"""Runs a trainer, and ends all processes that it has started.

    python -m bluegrid.updates.publishing.run_trainer PID COMMAND...

Processes that the trainer leaves behind are adopted (`PR_SET_CHILD_SUBREAPER`), so that a daemon with a
session of its own stays a descendant. All descendants are ended with the trainer, on SIGTERM, and when the
server, process PID, dies. The exit code is the trainer's.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_PAUSE_SECONDS = 0.01
_LONGEST_SECONDS = 10.0
"""Time limit for ending all processes: a process that the kernel does not end must not block the server."""


def main() -> None:
    """Run the command."""
    server, command = int(sys.argv[1]), sys.argv[2:]
    prctl = ctypes.CDLL(None).prctl
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM})
    prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    # The server may have died before PR_SET_PDEATHSIG was set.
    if os.getppid() != server:
        return
    trainer = os.fork()
    if trainer == 0:
        _become(command, prctl)
    status = _wait_for(trainer)
    _end_all()
    if status is not None and os.WIFSIGNALED(status):
        # End by the same signal as the trainer, so that the parent sees it.
        number = os.WTERMSIG(status)
        with suppress(OSError):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    sys.exit(1 if status is None else os.waitstatus_to_exitcode(status))


def _become(command: list[str], prctl: ctypes._NamedFuncPointer) -> None:
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    try:
        os.execvp(command[0], command)  # noqa: S606 - an argument list of the registry's
    except OSError as error:
        os.write(1, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(127)


def _wait_for(trainer: int) -> int | None:
    """Wait for the trainer, and return its status; None: SIGTERM came first."""
    while True:
        if (status := _reap().get(trainer)) is not None:
            return status
        if signal.sigwait({signal.SIGCHLD, signal.SIGTERM}) == signal.SIGTERM:
            return _reap().get(trainer)


def _reap() -> dict[int, int]:
    """Return the statuses of ended children, by process ID."""
    statuses = {}
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            statuses[ended[0]] = ended[1]
    return statuses


def _end_all() -> None:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while (found := _descendants()) and time.monotonic() < deadline:
        for process in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        time.sleep(_PAUSE_SECONDS)
        _reap()


def _descendants() -> list[int]:
    """Return the IDs of all descendants of this process."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                # The fields after the name, which may contain any characters: the state, then the parent.
                parent = int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found, rest = [], [os.getpid()]
    while rest:
        below = children.get(rest.pop(), [])
        found += below
        rest += below
    return found


if __name__ == "__main__":
    main()
