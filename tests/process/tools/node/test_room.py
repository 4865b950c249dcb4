from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tools.node import Node
from tools.node.errors import NodeError

if TYPE_CHECKING:
    from pathlib import Path


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_node_is_refused_where_kubernetes_would_evict_its_pods(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        shutil, "disk_usage", lambda _: Usage(250_000_000_000, 248_300_000_000, 1_700_000_000)
    )
    node = Node(tmp_path / "node")

    with pytest.raises(NodeError) as refused:
        node.up()

    assert str(refused.value) == (f"{node.state}: its disk has 1.7 GB free, and a node needs 2 GB: make room")
    assert not node.kubeconfig.exists()
