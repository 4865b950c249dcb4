"""A stack in trouble: faults, and the commands of the person who fixes them."""

from __future__ import annotations

import re
import signal
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import pytest
from ruamel.yaml import YAML

from tests.support.endurance import FULL
from tools.demo import steps
from tools.demo.prepare import EXAMPLE
from tools.demo.workspace import SERVICE

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from typing import Any

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Ran, Workspace
    from tools.node.status import ComponentStatus

OTHER_SERVICE, OTHER_SET = "bus-voltage", "g2"

at_length = pytest.mark.skipif(not FULL, reason="takes a minute or more; `make endurance` runs it")
"""Marks tests that only run at full size."""

SECONDS = 180
"""Time limit of every wait, long enough for a busy machine."""

SOON = "5"
"""The setting `readyTimeout`, in seconds, of an update that waits for what does not come."""


@contextmanager
def setting(work: Workspace, key: str, value: str) -> Iterator[None]:
    """Change a setting of a stack during the block."""
    before = work.stack_file.read_text()
    work.pulumi("config", "set", f"bluegrid:{key}", value).require()
    try:
        yield
    finally:
        work.stack_file.write_text(before)


@dataclass(frozen=True)
class Stack:
    """Two services: `line-loading`, with v1 live on d1 and v2 on d2, and `bus-voltage` beside it."""

    local: Local
    work: Workspace

    @classmethod
    def create(cls, local: Local, work: Workspace) -> Stack:
        """Bring both services online in a new workspace."""
        steps.declare_set(work, EXAMPLE)
        text = (work.registry / "g1.yaml").read_text()
        (work.registry / "g2.yaml").write_text(
            text.replace("g1", OTHER_SET).replace("Line loading", "Bus voltage")
        )
        models = local.prepared.models
        for version in ("v1", "v2", "v3", "v4"):
            steps.push(work, models / version, version, base="v2" if version == "v3" else None)
        steps.declare_service(work)
        steps.add_cluster(work, "d2", "v2")
        for version in ("v1", "v2"):
            push = ("push", str(models / version), "--set", OTHER_SET, "--version", version)
            work.bluegrid(*push).require()
        with (work.registry / "g2.yaml").open("a") as file:
            file.write(_OTHER)
        stack = cls(local, work)
        stack.up().require()
        return stack

    def up(self, *options: str) -> Ran:
        """Run `pulumi up`."""
        return self.work.pulumi("up", "--yes", "--skip-preview", *options)

    def cancel(self) -> None:
        """Run `pulumi cancel`, which removes the lock of a killed update."""
        self.work.run("pulumi", "cancel", "--yes", "--stack", self.work.stack).require()

    def start_up(self) -> subprocess.Popen[str]:
        """Start `pulumi up`, to be disturbed; the caller reads its output."""
        stack = ("--stack", self.work.stack, "--config-file", str(self.work.stack_file))
        return self.work.start("pulumi", "up", "--yes", "--skip-preview", *stack)

    def settle(self) -> None:
        """Run `pulumi up`, after which another `up` changes nothing, except perhaps a Job.

        The provider waits with a cache that may show the Job as it was before the change, and writes that
        into the state. The next update then writes the Job once more.
        """
        self.up().require()
        again = self.up("--expect-no-changes")
        if again.exit_code != 0:
            assert {*re.findall(r"kubernetes:(\S+) \S+ updated", again.output)} == {"batch/v1:Job"}
            self.up("--expect-no-changes").require()

    def add(self, cluster: str, version: str, *options: str) -> None:
        """Declare a cluster of `line-loading`."""
        self.work.bluegrid("cluster", "add", SERVICE, cluster, "--version", version, *options).require()

    def switch(self, cluster: str, service: str = SERVICE) -> Ran:
        """Run `bluegrid switch --up`, which also switches back."""
        return self.work.bluegrid("switch", service, cluster, "--up", "--yes")

    def live(self, service: str = SERVICE) -> str:
        """Return the cluster that the live route leads to, in Kubernetes."""
        (live,) = (row["cluster"] for row in self.rows() if row["service"] == service and row["live"])
        return str(live)

    def clusters(self) -> set[str]:
        """Return the clusters of `line-loading` in Kubernetes."""
        running = [row for row in self.rows() if row["service"] == SERVICE and row["state"] != "absent"]
        return {row["cluster"] for row in running}

    def rows(self) -> list[Any]:
        """Return the rows of `bluegrid status`."""
        return list(self.work.bluegrid("status", "--json").require().json())

    def kubectl_edit(self, kind: str, name: str, change: str) -> None:
        """Change an object by hand with `kubectl edit`; the editor is a sed command."""
        editor = f"KUBE_EDITOR=sed --in-place {change}"
        context, namespace = self.work.place.context, self.work.namespace
        command = ("kubectl", "--context", context, "--namespace", namespace, "edit", kind, name)
        self.work.run("env", editor, *command).require()

    def kubectl(self, *arguments: str) -> Ran:
        """Run `kubectl` in the stack's namespace."""
        place = self.work.place
        return self.work.run(
            "kubectl", "--context", place.context, "--namespace", self.work.namespace, *arguments
        )

    def edit(self, change: Callable[[dict[str, object]], None]) -> None:
        """Change the service `line-loading` in its registry file as a person would in an editor."""
        yaml, file = YAML(), self.work.registry / "g1.yaml"
        document = yaml.load(file)
        change(document["service"])
        yaml.dump(document, file)

    @contextmanager
    def gone(self, component: str) -> Iterator[None]:
        """Keep a component of the node from running: kill it whenever the supervisor has started it."""
        ended = threading.Event()
        killer = threading.Thread(target=self._kill_until, args=(component, ended))
        killer.start()
        try:
            yield
        finally:
            ended.set()
            killer.join()
            until(lambda: self._component(component).healthy and self._component(component).pid != 0)

    def kill(self, component: str) -> None:
        """Kill a component of the node; the supervisor starts it again."""
        psutil.Process(self._component(component).pid).kill()

    def _kill_until(self, component: str, ended: threading.Event) -> None:
        while not ended.wait(0.1):
            # It may have ended at this moment.
            with suppress(psutil.NoSuchProcess):
                if pid := self._component(component).pid:
                    psutil.Process(pid).kill()

    def _component(self, name: str) -> ComponentStatus:
        (found,) = (each for each in self.local.node.status().components if each.name == name)
        return found


def read_until(process: subprocess.Popen[str], *words: str) -> str:
    """Read a process's output up to the first line with all these words; return the output so far."""
    read = []
    for line in process.stdout or ():
        read.append(line)
        if all(word in line for word in words):
            return "".join(read)
    raise AssertionError(f"never printed {words}:\n{''.join(read)}")


def kill(process: subprocess.Popen[str], *, alone: bool) -> None:
    """Kill a `pulumi`, alone or with its child processes."""
    children = [] if alone else psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    process.wait()
    # Do not read to the end: leftover children may hold the pipe open.
    if process.stdout:
        process.stdout.close()


def interrupt(process: subprocess.Popen[str]) -> str:
    """Send Ctrl-C; return the output from then on."""
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=SECONDS)[0]


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.1)


_OTHER = """\
service:
  name: bus-voltage
  live: d1
  clusters:
    - {id: d1, version: v1, replicas: 1, cpu: 1, gpu: 0, memory: 1Gi}
    - {id: d2, version: v2, replicas: 1, cpu: 1, gpu: 0, memory: 1Gi}
"""
