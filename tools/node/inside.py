"""The first steps of the node's process 1: a file system of its own, and its end of the link."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tools.node.access import NODE_NAME
from tools.node.configs import SERVICE_NETWORK
from tools.node.errors import NodeError
from tools.node.layout import INSIDE, Layout

if TYPE_CHECKING:
    from tools.node.plan import Plan

LINK = "eth0"
_LINK_SECONDS = 30

# The values that kubelet requires; kubelet itself would set them for the whole machine.
_KERNEL = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1_000_000,
    "kernel/keys/root_maxbytes": 25_000_000,
}


def arrange_files(state: Path) -> None:
    """Give the node a file system in which it cannot write to the machine's.

    `/sys` stays as it is: a new mount would lack the cgroups.
    """
    # While mounts are still private: a mount under a shared one cannot be moved.
    staging = state / "run"
    staging.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", staging)
    (staging / INSIDE.name).mkdir()
    _mount("--bind", state, staging / INSIDE.name)
    _mount("--move", staging, "/run")
    # kubelet and the CNI plugins have fixed paths below /var/lib.
    for layer in ("upper", "work"):
        Path("/run/var-lib", layer).mkdir(parents=True)
    layers = "lowerdir=/var/lib,upperdir=/run/var-lib/upper,workdir=/run/var-lib/work"
    _mount("-t", "overlay", "-o", layers, "overlay", "/var/lib")
    _mount("--bind", Layout(INSIDE).logs, "/var/log")
    _mount("-t", "proc", "proc", "/proc")
    for name, value in _KERNEL.items():
        setting, stand_in = Path("/proc/sys", name), Path("/run/kernel", name)
        if setting.exists():
            stand_in.parent.mkdir(parents=True, exist_ok=True)
            stand_in.write_text(f"{value}\n")
            _mount("--bind", stand_in, setting)
    _mount("--make-rshared", "/")
    Path("/run/envoy").mkdir()
    subprocess.run(["hostname", NODE_NAME], check=True)


def arrange_network(plan: Plan) -> None:
    """Set up the node's end of the link once the link exists. No default route: nothing can leave.

    Raises:
        NodeError: `up` was stopped before it made the link.
    """
    deadline = time.monotonic() + _LINK_SECONDS
    while LINK not in (name for _, name in socket.if_nameindex()):
        if time.monotonic() > deadline:
            raise NodeError("the node has no link to this machine: `up` was stopped; run it again")
        time.sleep(0.02)
    commands = f"""\
link set lo up
address add {plan.address}/{plan.link.prefix} dev {LINK}
link set {LINK} up
route add {SERVICE_NETWORK} dev lo src {plan.address}
"""
    subprocess.run([plan.programs["ip"], "-batch", "-"], input=commands, text=True, check=True)


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", "--no-mtab", *arguments], check=True)


def host_pid() -> int:
    """Return this process's ID on the machine; works only before the node has its own /proc."""
    return int(Path("/proc/self").readlink().name)
