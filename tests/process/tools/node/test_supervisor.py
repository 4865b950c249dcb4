"""The supervisor on ordinary processes: it needs neither root nor a node."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools.node.component import Component
from tools.node.errors import NodeError
from tools.node.layout import Layout
from tools.node.state import Phase, SupervisorState
from tools.node.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from multiprocessing.context import ForkServerProcess

    Supervise = Callable[..., ForkServerProcess]

SH = Path("/bin/sh")
SECONDS = 30
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tools.node.supervisor"])


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.make()
    return layout


@pytest.fixture
def supervise(layout: Layout) -> Iterator[Supervise]:
    """Run components in a separate process: the supervisor reaps every child that ends."""
    started = []

    def start(*components: Component) -> ForkServerProcess:
        process = PROCESSES.Process(target=run, args=(components, layout))
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.join()


def run(components: tuple[Component, ...], layout: Layout) -> None:
    try:
        Supervisor(components, layout, SupervisorState(Phase.STARTING), layout).run()
    except NodeError:
        os._exit(1)


def always(_: datetime) -> bool:
    return True


def never(_: datetime) -> bool:
    return False


def until(layout: Layout, condition: Callable[[SupervisorState], bool]) -> SupervisorState:
    state, deadline = None, time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        state = SupervisorState.read(layout.status)
        if state and condition(state):
            return state
        time.sleep(0.01)
    raise AssertionError(f"never came true; last state: {state}")


def script(name: str, text: str, after: tuple[str, ...] = ()) -> Component:
    return Component(name, (SH, "-c", text), after)


def serve(name: str, text: str = "exec sleep 60", after: tuple[str, ...] = ()) -> Component:
    return Component(name, (SH, "-c", text), after, ready=always)


def test_a_component_starts_only_when_what_it_needs_is_ready(
    supervise: Supervise, layout: Layout, tmp_path: Path
) -> None:
    first = script("first", f"echo made > {tmp_path}/made")
    second = script("second", f"cp {tmp_path}/made {tmp_path}/seen", after=("first",))

    supervise(second, first)

    until(layout, lambda state: state.phase is Phase.READY)
    assert (tmp_path / "seen").read_text() == "made\n"


def test_a_component_that_dies_early_fails_the_start_with_its_last_words(
    supervise: Supervise, layout: Layout
) -> None:
    supervise(serve("steady"), Component("etcd", (SH, "-c", "echo the disk is full; exit 7"), ready=never))

    state = until(layout, lambda state: state.phase is Phase.FAILED)
    assert state.fault.startswith("etcd ended (exit code 7) before it was ready; ")
    assert state.fault.endswith("the disk is full")


def test_nothing_runs_after_a_failed_start(supervise: Supervise, layout: Layout, tmp_path: Path) -> None:
    steady = serve("steady", f"echo $$ > {tmp_path}/pid; exec sleep 60")
    supervise(steady, script("broken", f"until test -s {tmp_path}/pid; do :; done; exit 1"))

    until(layout, lambda state: state.phase is Phase.FAILED)
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + SECONDS
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{pid}").exists()


def test_a_program_that_cannot_be_run_is_named(supervise: Supervise, layout: Layout) -> None:
    supervise(Component("etcd", (Path("/no/such/etcd"),)))

    state = until(layout, lambda state: state.phase is Phase.FAILED)
    assert state.fault == "etcd cannot be started: /no/such/etcd: No such file or directory"


def test_a_component_that_dies_later_is_started_again(supervise: Supervise, layout: Layout) -> None:
    supervise(serve("contour"))
    before = until(layout, lambda state: state.phase is Phase.READY).components["contour"]

    os.kill(before.pid, signal.SIGKILL)

    after = until(
        layout,
        lambda state: state.components["contour"].restarts == 1 and state.components["contour"].healthy,
    )
    assert after.components["contour"].pid != before.pid
    assert "contour ended (killed by SIGKILL) and is started again" in after.events


def test_what_is_needed_stops_after_what_needs_it(
    supervise: Supervise, layout: Layout, tmp_path: Path
) -> None:
    trap = "trap 'echo {name} >> {log}; exit' TERM; touch {log}.{name}; while :; do sleep 0.05; done"
    log = tmp_path / "stopped"
    etcd, api = (trap.format(name=name, log=log) for name in ("etcd", "api"))
    process = supervise(serve("api", api, after=("etcd",)), serve("etcd", etcd))
    until(layout, lambda state: state.phase is Phase.READY and (tmp_path / "stopped.api").exists())

    process.terminate()

    until(layout, lambda _: log.exists() and len(log.read_text().split()) == 2)
    assert log.read_text().split() == ["api", "etcd"]
