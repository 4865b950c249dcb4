"""The machine's side of a node: its process, its link, and the traces of a killed node."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.node import cgroups
from tools.node.errors import NodeError
from tools.node.inside import LINK
from tools.node.programs import SYSTEM_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.node.identity import Identity
    from tools.node.layout import Layout
    from tools.node.plan import Plan

_MODULE = "tools.node.supervisor"
_CHECKOUT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a node's lock during `up` or `down`; it is on the folder itself, which the block may delete."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists() and os.path.samestat(os.fstat(lock), folder.stat()):
                yield
                return
        finally:
            os.close(lock)


def supervisors(state: Path) -> list[int]:
    """Return the process IDs of a node's supervisor and of its parent `unshare`; empty: the node is down.

    They are found by their exact command, which names the state folder: no record is needed.
    """
    tail = [os.fsencode(word) for word in _arguments(state)]
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if (folder / "cmdline").read_bytes().split(b"\0")[:-1][-len(tail) :] == tail:
                    found.append(int(folder.name))
    return found


def launch(state: Path, log: Path) -> None:
    """Start the supervisor in namespaces of its own; it outlives this process and its terminal.

    The network namespace has no name and its mounts exist nowhere else: the kernel removes both with the last
    process.
    """
    environment = {"PATH": SYSTEM_PATH, "HOME": "/run", "PYTHONPATH": str(_CHECKOUT), "PYTHONUNBUFFERED": "1"}
    namespaces = ("--mount", "--net", "--pid", "--uts", "--ipc")
    with log.open("ab") as output:
        subprocess.run(
            [
                "setsid",
                "--fork",
                "unshare",
                *namespaces,
                "--fork",
                "--kill-child",
                sys.executable,
                *_arguments(state),
            ],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=True,
        )


def stop(state: Path, seconds: float) -> None:
    """Stop a node's supervisor, or kill it after `seconds`; return when no process of the node runs."""
    handles = []
    for pid in supervisors(state):
        with contextlib.suppress(ProcessLookupError):
            handles.append((_is_first(pid), os.pidfd_open(pid)))
    try:
        for first, handle in handles:
            if first:
                _send(handle, signal.SIGTERM)
        for _, handle in handles:
            if not select.select([handle], [], [], seconds)[0]:
                _send(handle, signal.SIGKILL)
                select.select([handle], [], [], seconds)
    finally:
        for _, handle in handles:
            os.close(handle)


def connect(plan: Plan, pid: int) -> None:
    """Make the link between the machine and the node whose supervisor has this process ID."""
    name = plan.identity.interface
    commands = f"""\
link add {name} type veth peer name {LINK} netns {pid}
address add {plan.link.host}/{plan.link.prefix} dev {name}
link set {name} up
"""
    done = subprocess.run(
        [plan.programs["ip"], "-batch", "-"], input=commands, text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise NodeError(f"the link to the node cannot be made: ip: {done.stderr.strip()}")


def sweep(identity: Identity) -> None:
    """Remove a node's traces on the machine; processes, mounts and network ended with its supervisor."""
    if identity.interface in (name for _, name in socket.if_nameindex()):
        # The kernel also removes the interface, but some milliseconds later.
        subprocess.run(
            ["ip", "link", "delete", identity.interface],
            env={"PATH": SYSTEM_PATH},
            capture_output=True,
            check=False,
        )
    cgroups.remove(identity.cgroup)


def networks() -> list[ipaddress.IPv4Network]:
    """Return the networks that this machine reaches."""
    routes = json.loads(_ip("-json", "-4", "route", "show", "table", "all"))
    found = []
    for route in routes:
        destination = "0.0.0.0/0" if route["dst"] == "default" else route["dst"]
        found.append(ipaddress.IPv4Network(destination, strict=False))
    return found


def log_tail(layout: Layout) -> str:
    """Return the last line of the supervisor's own log."""
    lines = layout.log("supervisor").read_text(errors="replace").splitlines()
    return lines[-1] if lines else "its log is empty"


def _arguments(state: Path) -> list[str]:
    return ["-m", _MODULE, str(state)]


def _is_first(pid: int) -> bool:
    """Return whether a process is process 1 of a namespace."""
    with contextlib.suppress(OSError):
        for line in Path("/proc", str(pid), "status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return line.split()[2:][-1:] == ["1"]
    return False


def _send(handle: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, number)


def _ip(*arguments: str) -> str:
    return subprocess.run(
        ["ip", *arguments], env={"PATH": SYSTEM_PATH}, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
