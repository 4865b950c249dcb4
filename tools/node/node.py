"""The interface of the node: up, down, status, and its addresses."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.node import cgroups, machine, programs
from tools.node.access import S3Account, Secrets, write_access
from tools.node.configs import GATEWAY, write_configs
from tools.node.errors import NodeError
from tools.node.identity import Identity, pick_link
from tools.node.kubernetes import ctr
from tools.node.layout import CONTAINERD_SOCKET, Layout
from tools.node.pause import write_pause_image
from tools.node.plan import Plan
from tools.node.routing import HTTP_PORT
from tools.node.state import Phase, SupervisorState
from tools.node.status import NodeStatus, component_statuses

Progress = Callable[[str], None]
_POLL = 0.05
_ATTEMPTS = 20
"""Searches without a supervisor after which the supervisor counts as ended."""

_STOP_SECONDS = 30
_ROOM_BYTES = 2_000_000_000
"""What images, volumes and logs take, with some to spare."""


def quiet(_: str) -> None:
    """Ignore progress."""


@dataclass(frozen=True)
class Node:
    """One Kubernetes node on this machine, with an S3 server and an Ingress controller.

    Args:
        state: the node's state folder; another folder is another node.
    """

    state: Path

    @classmethod
    def of_checkout(cls, checkout: Path) -> Node:
        """Return the node of a checkout of this repository."""
        return cls(checkout / ".bluegrid" / "node")

    def up(self, progress: Progress = quiet, built: Mapping[str, Path] | None = None) -> None:
        """Start the node and wait until it is ready; return at once if it is ready.

        Args:
            progress: called with a line for each component that is ready.
            built: programs by name; by default, the programs that the toolchain has obtained.

        Raises:
            NodeError: something is missing, or a component has failed; then nothing of the node runs.
        """
        _require_root()
        with machine.locked(self._layout.root):
            phase = self._current().phase
            if phase is Phase.READY:
                return
            try:
                if phase is not Phase.STARTING:
                    self._clear()
                    _require_room(self._layout.root)
                    self._launch(programs.complete(_obtained() if built is None else built))
                self._follow(progress)
            except NodeError:
                self._clear()
                raise

    def down(self, *, purge: bool = False) -> None:
        """Stop the node and remove its traces from the machine; delete its state only with `purge`.

        Succeeds also if nothing runs or the node was killed.
        """
        _require_root()
        with machine.locked(self._layout.root):
            self._clear()
            if purge:
                shutil.rmtree(self._layout.root)

    def status(self) -> NodeStatus:
        """Return the status of the node and of its components."""
        current = self._current()
        plan = self._plan if self._layout.plan.exists() else None
        return NodeStatus(
            phase=current.phase,
            id=self._identity.id,
            context=self.context,
            kubeconfig=str(self.kubeconfig),
            address=plan.address if plan else "",
            route_url=self.route_url if plan else "",
            s3_endpoint=self.s3_endpoint if plan else "",
            components=component_statuses(current),
            fault=current.fault,
        )

    def load_image(self, archive: Path, name: str) -> None:
        """Make an image available to pods, by its tags and by its digest.

        Args:
            archive: an OCI or a Docker archive.
            name: the image's name in it, without a tag.

        Raises:
            NodeError: the archive cannot be read, or the node is down.
        """
        current = self._current()
        if current.phase is not Phase.READY:
            raise NodeError(
                f"the node in {self.state} is {current.phase}; `python -m tools.node up` starts it"
            )
        socket = Path(f"/proc/{current.pid}/root{CONTAINERD_SOCKET}")
        done = subprocess.run(
            [*ctr(self._plan, socket), "images", "import", "--digests", f"--base-name={name}", archive],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NodeError(f"{archive} is not an image that the node can use: {done.stderr.strip()}")

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig; it has one context, `context`, and no current context."""
        return self._layout.kubeconfig

    @property
    def context(self) -> str:
        """The name of the kubeconfig's context."""
        return self._identity.context

    @property
    def address(self) -> str:
        """The node's address, reached from this machine only."""
        return self._plan.address

    @property
    def route_url(self) -> str:
        """The URL at which Ingresses and HTTPRoutes answer."""
        return f"http://{self.address}:{HTTP_PORT}"

    @property
    def gateway(self) -> str:
        """The Gateway that HTTPRoutes may attach to, `namespace/name`."""
        return GATEWAY

    @property
    def s3_endpoint(self) -> str:
        """The URL of the S3 server, for this machine and for pods."""
        return self._plan.s3_endpoint

    @property
    def s3_admin(self) -> S3Account:
        """The S3 account that may do everything."""
        return Secrets.read(self._layout).s3_admin

    @property
    def s3_reader(self) -> S3Account:
        """The S3 account of the pods, which can get objects and nothing else."""
        return Secrets.read(self._layout).s3_reader

    @property
    def _layout(self) -> Layout:
        return Layout(self.state.resolve())

    @property
    def _identity(self) -> Identity:
        return Identity.of(self.state)

    @property
    def _plan(self) -> Plan:
        try:
            return Plan.read(self._layout.plan)
        except FileNotFoundError:
            raise NodeError(f"there is no node in {self.state}; `python -m tools.node up` makes it") from None

    def _current(self) -> SupervisorState:
        """Return the supervisor's state; ignore the last state of a supervisor that has ended."""
        current = SupervisorState.read(self._layout.status)
        if machine.supervisors(self._layout.root):
            return current or SupervisorState(Phase.STARTING)
        return SupervisorState(Phase.DOWN)

    def _launch(self, found: Mapping[str, Path]) -> None:
        layout = self._layout
        layout.make()
        layout.status.unlink(missing_ok=True)
        plan = Plan(self._identity, pick_link(self._identity, machine.networks()), found)
        plan.write(layout.plan)
        write_access(layout, plan)
        write_configs(layout, plan)
        write_pause_image(found["pause"], layout.config / "pause.tar")
        cgroups.create(self._identity.cgroup)
        machine.launch(layout.root, layout.log("supervisor"))
        machine.connect(plan, self._supervisor())

    def _clear(self) -> None:
        """Stop the node's processes and remove its traces."""
        machine.stop(self._layout.root, _STOP_SECONDS)
        machine.sweep(self._identity)

    def _supervisor(self) -> int:
        """Return the process ID of the supervisor that was just launched."""
        # During an exec, of which there are two here, a process has no command line for a moment.
        attempts = _ATTEMPTS
        while (current := SupervisorState.read(self._layout.status)) is None:
            attempts = _ATTEMPTS if machine.supervisors(self._layout.root) else attempts - 1
            if not attempts:
                raise NodeError(f"the node's supervisor did not start: {machine.log_tail(self._layout)}")
            time.sleep(_POLL)
        return current.pid

    def _follow(self, progress: Progress) -> None:
        """Report events until the node is ready."""
        printed = 0
        while True:
            alive = bool(machine.supervisors(self._layout.root))
            current = SupervisorState.read(self._layout.status) or SupervisorState(Phase.STARTING)
            for event in current.events[printed:]:
                progress(event)
            printed = len(current.events)
            if current.phase is Phase.READY and alive:
                return
            if not alive or current.phase is Phase.FAILED:
                raise NodeError(
                    current.fault or f"the node's supervisor ended: {machine.log_tail(self._layout)}"
                )
            time.sleep(_POLL)


def _obtained() -> Mapping[str, Path]:
    from tools.toolchain import programs_dir

    return programs.in_folder(programs_dir())


def _require_room(folder: Path) -> None:
    """Refuse to start where the disk would be full soon: Kubernetes then evicts pods and takes no more."""
    free = shutil.disk_usage(folder).free
    if free < _ROOM_BYTES:
        raise NodeError(
            f"{folder}: its disk has {free / 1e9:.1f} GB free,"
            f" and a node needs {_ROOM_BYTES / 1e9:.0f} GB: make room"
        )


def _require_root() -> None:
    if os.geteuid() != 0:
        raise NodeError("a node needs root: it makes namespaces and cgroups; run it with sudo")
    if missing := [
        name for name in ("net", "pid", "mnt", "uts", "ipc") if not Path("/proc/self/ns", name).exists()
    ]:
        raise NodeError(f"this kernel has no {'/'.join(missing)} namespaces: a node cannot be made on it")
