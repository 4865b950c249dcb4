"""The processes and traces of a node on the machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tools.node.cgroups import leftovers
from tools.node.identity import Identity
from tools.node.machine import supervisors

if TYPE_CHECKING:
    from tools.node import Node


class Process(NamedTuple):
    pid: int
    parent: int
    started: int


def processes() -> list[Process]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has ended meanwhile
                continue
            if fields[0] != "Z":
                found.append(Process(int(folder.name), int(fields[1]), int(fields[19])))
    return found


def inhabitants(node: Node) -> set[Process]:
    """Return the node's supervisor and all its descendants, containers included."""
    everybody = processes()
    found = {process for process in everybody if process.pid in supervisors(node.state)}
    while more := {each for each in everybody if each.parent in {one.pid for one in found}} - found:
        found |= more
    return found


def traces(node: Node) -> list[str]:
    """Return the traces of a node outside its state folder: none, when the node is down."""
    identity = Identity.of(node.state)
    found = [str(cgroup) for cgroup in leftovers(identity.cgroup)]
    found += [link.name for link in Path("/sys/class/net").iterdir() if link.name == identity.interface]
    found += [f"process {pid}" for pid in supervisors(node.state)]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return found + [mount for mount in mounts if str(node.state) in mount]
