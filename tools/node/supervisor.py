"""Process 1 of the node: starts its components in order, watches them, and stops them in reverse order.

A component that ends before it was ready fails the start; a component that ends later is started again. When
this process ends for any reason, the kernel ends all other processes of the node.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tools.node import inside
from tools.node.access import Secrets
from tools.node.component import Component, now
from tools.node.errors import NodeError
from tools.node.kubernetes import kubernetes
from tools.node.layout import INSIDE, Layout
from tools.node.metrics import metrics
from tools.node.plan import Plan
from tools.node.routing import routing
from tools.node.state import Phase, Running, SupervisorState
from tools.node.storage import storage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)
_TICK = 0.05
_CALM_TICK = 1.0
_HEALTH_EVERY = 5.0
_START_SECONDS = 240
_STOP_SECONDS = 15
_RESTART_AFTER = 1.0
_TAIL_LINES = 8


@dataclass
class _Process:
    """A component's process.

    Attributes:
        healthy: passed its last check; for a component that runs once: ended with code 0.
        restart_at: when to start it again, on the monotonic clock.
    """

    pid: int
    since: datetime
    begun: float
    healthy: bool = False
    was_ready: bool = False
    restarts: int = 0
    restart_at: float = 0

    @property
    def running(self) -> bool:
        return self.pid != 0


class Supervisor:
    """Runs components until a signal asks it to stop.

    Args:
        components: in any order.
        layout: where status and logs go, as paths inside the node.
        state: the state published so far.
        shown: the same folders as paths on the machine, for messages.
    """

    def __init__(
        self, components: Sequence[Component], layout: Layout, state: SupervisorState, shown: Layout
    ) -> None:
        self._components = {component.name: component for component in components}
        self._layout = layout
        self._state = state
        self._shown = shown
        self._processes: dict[str, _Process] = {}
        self._began = time.monotonic()
        self._health_due = 0.0

    def run(self) -> None:
        """Start and watch all components; return after a signal, when all of them are stopped.

        Raises:
            NodeError: a component failed before the node was ready; all components are stopped.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            while True:
                calm = self._state.phase is Phase.READY
                received = signal.sigtimedwait(_SIGNALS, _CALM_TICK if calm else _TICK)
                if received and received.si_signo != signal.SIGCHLD:
                    self._publish(phase=Phase.STOPPING)
                    return
                self._reap()
                self._start_due()
                self._check()
        except NodeError as error:
            self._publish(phase=Phase.FAILED, fault=str(error))
            raise
        finally:
            self._stop()

    def _start_due(self) -> None:
        for component in self._components.values():
            process = self._processes.get(component.name)
            if process is None:
                if all(self._is_ready(name) for name in component.after):
                    self._start(component)
            elif process.restart_at and time.monotonic() >= process.restart_at:
                self._start(component, restarts=process.restarts + 1)

    def _is_ready(self, name: str) -> bool:
        process = self._processes.get(name)
        return process is not None and process.was_ready

    def _start(self, component: Component, restarts: int = 0) -> None:
        log = self._layout.log(component.name)
        command = [str(word) for word in component.command]
        try:
            pid = os.posix_spawn(
                command[0],
                command,
                {**os.environ, **component.environment},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
                setsid=True,
                setsigmask=(),
            )
        except OSError as error:
            raise NodeError(f"{component.name} cannot be started: {command[0]}: {error.strerror}") from None
        began = time.monotonic()
        self._processes[component.name] = _Process(
            pid, now(), began, was_ready=restarts > 0, restarts=restarts
        )
        self._publish()

    def _reap(self) -> None:
        """Collect the processes that have ended: components, and orphans, which process 1 inherits."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for name, process in self._processes.items():
                if process.pid == pid:
                    self._ended(self._components[name], process, os.waitstatus_to_exitcode(status))

    def _ended(self, component: Component, process: _Process, code: int) -> None:
        process.pid = 0
        process.healthy = False
        if self._state.phase in (Phase.STOPPING, Phase.FAILED):
            return
        if component.ready is None and code == 0:
            self._ready(component, process)
        elif process.was_ready:
            process.restart_at = time.monotonic() + _RESTART_AFTER
            self._publish(f"{component.name} ended ({_how(code)}) and is started again")
        else:
            raise NodeError(
                f"{component.name} ended ({_how(code)}) before it was ready; {self._tail(component)}"
            )

    def _check(self) -> None:
        waiting = self._state.phase is Phase.STARTING
        if waiting and time.monotonic() > self._began + _START_SECONDS:
            late = [name for name in self._components if not self._is_ready(name)]
            tail = self._tail(self._components[late[0]])
            raise NodeError(f"not ready after {_START_SECONDS} s: {', '.join(late)}; {tail}")
        if time.monotonic() >= self._health_due:
            self._health_due = time.monotonic() + _HEALTH_EVERY
            due = list(self._processes)
        else:
            due = [name for name, process in self._processes.items() if not process.healthy]
        for name in due:
            self._check_one(self._components[name], self._processes[name])
        if waiting and all(self._is_ready(name) for name in self._components):
            self._publish(f"node ready {time.monotonic() - self._began:.1f} s", phase=Phase.READY)

    def _check_one(self, component: Component, process: _Process) -> None:
        if component.ready is None or not process.running:
            return
        healthy = component.ready(process.since)
        if healthy and not process.was_ready:
            self._ready(component, process)
        elif healthy != process.healthy:
            process.healthy = healthy
            self._publish()

    def _ready(self, component: Component, process: _Process) -> None:
        process.healthy = process.was_ready = True
        self._publish(f"{component.name} {time.monotonic() - process.begun:.1f} s")

    def _stop(self) -> None:
        """Stop all components, dependents first; kill those that do not end."""
        deadline = time.monotonic() + _STOP_SECONDS
        signalled: set[str] = set()
        while running := {name for name, process in self._processes.items() if process.running}:
            needed = {needed for name in running for needed in self._components[name].after}
            for name in running - needed - signalled:
                os.kill(self._processes[name].pid, signal.SIGTERM)
                signalled.add(name)
            if time.monotonic() > deadline:
                for name in running:
                    os.kill(self._processes[name].pid, signal.SIGKILL)
            signal.sigtimedwait((signal.SIGCHLD,), _TICK)
            self._reap()

    def _publish(self, event: str | None = None, phase: Phase | None = None, fault: str = "") -> None:
        components = {
            name: Running(process.pid, process.since.isoformat(), process.healthy, process.restarts)
            for name, process in self._processes.items()
            if self._components[name].ready is not None
        }
        events = (*self._state.events, event) if event else self._state.events
        self._state = replace(
            self._state, phase=phase or self._state.phase, components=components, events=events, fault=fault
        )
        self._state.write(self._layout.status)

    def _tail(self, component: Component) -> str:
        log = self._layout.log(component.name)
        lines = log.read_text(errors="replace").splitlines()[-_TAIL_LINES:] if log.exists() else []
        return "\n".join((f"{self._shown.log(component.name)} ends with:", *(f"  {line}" for line in lines)))


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


def main(state: Path) -> int:
    """Run the node whose state is in this folder; return the exit code."""
    shown, layout = Layout(state), Layout(INSIDE)
    current = SupervisorState(Phase.STARTING, inside.host_pid())
    current.write(shown.status)
    try:
        plan = Plan.read(shown.plan)
        inside.arrange_files(state)
        inside.arrange_network(plan)
        secrets = Secrets.read(layout)
    except (NodeError, OSError, subprocess.CalledProcessError) as error:
        replace(current, phase=Phase.FAILED, fault=str(error)).write(shown.status)
        return 1
    components = [
        *storage(plan, secrets),
        *kubernetes(plan, secrets),
        *metrics(plan, secrets),
        *routing(plan),
    ]
    try:
        Supervisor(components, layout, current, shown).run()
    except NodeError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
