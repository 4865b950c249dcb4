from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.cluster.trouble import Stack
from tests.support.endurance import FULL
from tools.demo import steps
from tools.demo.place import on_node
from tools.demo.prepare import CHECKOUT, EXAMPLE, Prepared, prepare
from tools.demo.printer import Printer
from tools.demo.scenario import Results, run
from tools.demo.workspace import SERVICE, STACK, Workspace
from tools.load.process import Load
from tools.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RATE = 50
"""Requests a second while a stack is disturbed."""
LONGEST = 1500
"""Seconds after which a load ends by itself."""


@dataclass(frozen=True)
class Local:
    """A node of the tests' own, beside which a demo may run."""

    node: Node
    prepared: Prepared
    state: Path
    printer: Printer

    def workspace(self, stack: str, host: str | None = None) -> Workspace:
        """Return a new workspace with an empty stack; its namespace is named after the stack."""
        assert self.prepared.image is not None
        place = on_node(self.node, self.prepared.image.pinned)
        programs, echo = self.prepared.programs, self.printer.of(stack)
        work = Workspace(CHECKOUT, self.state / stack, place, programs, echo, stack, host)
        work.create()
        return work

    def remove(self, *works: Workspace) -> None:
        """Delete what stacks have on the node: at full size as users do, otherwise without waiting for pods.

        In every run, `pulumi destroy` is tested in test_namespaces.py, of two regions in test_own_project.py,
        of HTTPRoutes in test_gateway.py, and of shards in test_shards.py.
        """
        for work in works:
            if FULL:
                work.pulumi("destroy", "--yes", "--skip-preview", "--run-program").require()
            else:
                kubectl = ("kubectl", "--context", work.place.context)
                options = ("--ignore-not-found", "--wait=false")
                work.run(*kubectl, "delete", "namespace", work.namespace, *options).require()


@pytest.fixture(scope="session")
def printer() -> Printer:
    return Printer()


@pytest.fixture(scope="session")
def local(printer: Printer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    prepared = prepare(printer, with_node=True)
    assert prepared.image is not None
    state = tmp_path_factory.mktemp("cluster")
    node = Node(state / "node")
    try:
        node.up(printer.of("node"))
        node.load_image(prepared.image.archive, prepared.image.name)
        yield Local(node, prepared, state, printer)
    finally:
        node.down(purge=True)


@pytest.fixture(scope="session")
def work(local: Local) -> Workspace:
    """The workspace of the demo's own steps."""
    return local.workspace(STACK)


@pytest.fixture(scope="session")
def results(local: Local, work: Workspace) -> Results:
    """The results of the demo's own steps, run once for all tests."""
    return run(work, local.prepared.models, local.printer)


@pytest.fixture(scope="module")
def online(local: Local) -> Iterator[Callable[[str], Workspace]]:
    """Makes a workspace for one test module: v1 is live on d1, v2 stands by on d2; removed afterwards.

    Its service has its own host name, `<stack>.test`, so that several workspaces share the proxy.
    """
    made: list[Workspace] = []

    def make(stack: str) -> Workspace:
        work = local.workspace(stack, host=f"{stack}.test")
        made.append(work)
        steps.declare_set(work, EXAMPLE)
        for version in ("v1", "v2"):
            steps.push(work, local.prepared.models / version, version)
        steps.declare_service(work)
        steps.add_cluster(work, "d2", "v2")
        steps.up(work).require()
        return work

    yield make
    local.remove(*made)


@pytest.fixture(scope="session")
def two_services(local: Local) -> Iterator[Stack]:
    """A stack for all tests of failures, removed afterwards."""
    work = local.workspace("trouble", host="trouble.test")
    yield Stack.create(local, work)
    local.remove(work)


@pytest.fixture
def stack(two_services: Stack) -> Iterator[Stack]:
    """The stack under load: whatever a test does to the stack, every request gets a correct answer.

    Afterwards the registry is restored, `up` applies it, and a second `up` changes nothing.
    """
    work, models = two_services.work, two_services.local.prepared.models
    before = {file: file.read_text() for file in work.registry.glob("*.yaml")}
    address, report = work.place.route_url, work.state / "load.json"
    with Load.start(
        address, SERVICE, models / "requests.json", report, RATE, seconds=LONGEST, host=work.host
    ) as load:
        yield two_services
        for file, text in before.items():
            file.write_text(text)
        two_services.settle()
        results = load.stop()
    assert results.failed_total == 0, results.failures
    assert results.ok == results.sent > 0
