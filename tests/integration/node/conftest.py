from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.node import Node
from tools.node.programs import in_folder
from tools.toolchain import programs_dir

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@pytest.fixture(scope="session")
def programs() -> Mapping[str, Path]:
    """The programs of a node."""
    return in_folder(programs_dir())


@pytest.fixture(scope="session")
def node(programs: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node that tests share and leave unchanged."""
    node = Node(tmp_path_factory.mktemp("shared") / "node")
    node.up(built=programs)
    yield node
    node.down(purge=True)


@pytest.fixture
def own_node(programs: Mapping[str, Path], tmp_path: Path) -> Iterator[Node]:
    """A node that is down, for one test alone."""
    node = Node(tmp_path / "node")
    yield node
    node.down(purge=True)
