"""The parent cgroups of a node's pods.

In version 1, kubelet expects its root in every hierarchy, with CPUs and memory nodes set. Version 2 has
one tree, whose controllers are delegated to its children; this part follows the kernel's documentation and
has not run yet.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from tools.node.errors import NodeError

_CONTROLLERS = ("cpu", "cpuset", "hugetlb", "io", "memory", "pids")
_SECONDS = 10


@dataclass(frozen=True)
class _Hierarchy:
    mount: Path
    version: int


def create(name: str) -> None:
    """Make the cgroups of a node.

    Raises:
        NodeError: this machine does not allow it.
    """
    for hierarchy in _used(_hierarchies()):
        try:
            _create(hierarchy, hierarchy.mount / name)
        except OSError as error:
            raise NodeError(
                f"{error.filename}: {error.strerror}: a node needs cgroups of its own; "
                "in a container, run it privileged"
            ) from None


def remove(name: str) -> None:
    """Remove the cgroups of a node that has ended, including those of its pods."""
    for hierarchy in _hierarchies():
        deadline = time.monotonic() + _SECONDS
        root = hierarchy.mount / name
        for folder, _, _ in os.walk(root, topdown=False):
            _remove(Path(folder), deadline)


def leftovers(name: str) -> list[Path]:
    """Return the cgroups of a node that exist."""
    return [root for hierarchy in _hierarchies() if (root := hierarchy.mount / name).exists()]


def _create(hierarchy: _Hierarchy, folder: Path) -> None:
    if hierarchy.version == 2:
        _delegate(hierarchy.mount)
    folder.mkdir(exist_ok=True)
    for setting in ("cpuset.cpus", "cpuset.mems"):
        if hierarchy.version == 1 and (folder / setting).exists():
            (folder / setting).write_text((hierarchy.mount / setting).read_text())


def _remove(folder: Path, deadline: float) -> None:
    """Remove a cgroup; it is busy for a moment after its last process has ended."""
    while True:
        try:
            folder.rmdir()
        except OSError as error:
            if time.monotonic() > deadline:
                raise NodeError(
                    f"{folder} cannot be removed: {error.strerror}; end the processes in its cgroup.procs"
                ) from None
            time.sleep(0.02)
        else:
            return


def _delegate(root: Path) -> None:
    available = (root / "cgroup.controllers").read_text().split()
    controllers = " ".join(f"+{each}" for each in _CONTROLLERS if each in available)
    (root / "cgroup.subtree_control").write_text(controllers)


def _used(hierarchies: list[_Hierarchy]) -> list[_Hierarchy]:
    """Return the hierarchies of version 1 if there are any: the tree of version 2 then has no controllers."""
    first = [each for each in hierarchies if each.version == 1]
    return first or hierarchies


def _hierarchies() -> list[_Hierarchy]:
    """Return the cgroup mounts of this machine; see proc_pid_mountinfo(5) for the columns."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, source = line.partition(" - ")
        kind = source.split()[0]
        if kind in ("cgroup", "cgroup2"):
            found.append(_Hierarchy(Path(fields.split()[4]), 2 if kind == "cgroup2" else 1))
    return found
