"""The status of a node, for people and programs."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.node.state import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.node.state import SupervisorState


@dataclass(frozen=True)
class ComponentStatus:
    """The status of a component.

    Attributes:
        pid: its process ID on the machine; 0 if it does not run.
        since: when it was started, ISO 8601.
        megabytes: resident memory.
    """

    name: str
    pid: int
    since: str
    healthy: bool
    restarts: int
    megabytes: int


@dataclass(frozen=True)
class NodeStatus:
    """The status of a node; addresses are empty if it was never started."""

    phase: Phase
    id: str
    context: str
    kubeconfig: str
    address: str
    route_url: str
    s3_endpoint: str
    components: Sequence[ComponentStatus]
    fault: str

    def lines(self) -> Sequence[str]:
        """Return the status as a table."""
        head = [f"node {self.id}: {self.phase}"]
        if self.fault:
            head.append(self.fault)
        if self.phase is Phase.DOWN:
            return head
        head += [
            f"routes {self.route_url}, S3 {self.s3_endpoint}",
            f"kubectl --kubeconfig {self.kubeconfig} --context {self.context}",
            f"{'component':<24} {'pid':>7}  {'since':<19}  {'memory':>7}  state",
        ]
        return head + [
            f"{each.name:<24} {each.pid:>7}  {each.since[:19]}  {each.megabytes:>4} MB  {_state(each)}"
            for each in self.components
        ]


def component_statuses(current: SupervisorState) -> Sequence[ComponentStatus]:
    """Return the components that the supervisor has published, with the machine's process IDs."""
    if current.phase is Phase.DOWN:
        return ()
    pids = _children(current.pid)
    return tuple(
        ComponentStatus(
            name,
            pids.get(each.pid, 0),
            each.since,
            each.healthy,
            each.restarts,
            _megabytes(pids.get(each.pid, 0)),
        )
        for name, each in current.components.items()
    )


def _state(component: ComponentStatus) -> str:
    restarts = f", restarted {component.restarts} times" if component.restarts else ""
    return ("healthy" if component.healthy else "not healthy") + restarts


def _children(pid: int) -> Mapping[int, int]:
    """Return the children of the node's process 1: process IDs on the machine by those inside the node."""
    children = {}
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with contextlib.suppress(OSError):
                for line in Path("/proc", child, "status").read_text().splitlines():
                    if line.startswith("NSpid:"):
                        children[int(line.split()[-1])] = int(child)
    return children


def _megabytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) // 1024
    return 0
