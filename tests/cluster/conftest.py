from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.demo.place import on_node
from tools.demo.prepare import CHECKOUT, prepare
from tools.demo.story import Seen, tell
from tools.demo.telling import Telling
from tools.demo.workspace import Workspace
from tools.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def telling() -> Telling:
    return Telling()


@pytest.fixture(scope="session")
def work(telling: Telling, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace on a node of the tests' own, beside which a demo may run."""
    prepared = prepare(telling, with_node=True)
    assert prepared.image is not None
    state = tmp_path_factory.mktemp("cluster")
    node = Node(state / "node")
    try:
        node.up(telling.of("node"))
        node.load_image(prepared.image.archive)
        place = on_node(node, prepared.image.reference)
        work = Workspace(CHECKOUT, state / "demo", place, prepared.programs, telling.of("run"))
        work.create()
        yield work
    finally:
        node.down(purge=True)


@pytest.fixture(scope="session")
def seen(work: Workspace, telling: Telling) -> Seen:
    """What was seen while the demo's own steps were done, once for all tests."""
    return tell(work, prepare(telling, with_node=True).models, telling)
