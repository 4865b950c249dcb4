"""Trees joined in arrays make the same table as trees one by one, and nothing that is not a tree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bluegrid_server.frameworks.compiled import NotCompiledError
from bluegrid_server.frameworks.joined_trees import JoinedTrees
from bluegrid_server.frameworks.tree_model import TreeModel
from bluegrid_server.frameworks.tree_table import TreeTable
from bluegrid_server.frameworks.trees import Ensemble, Tree
from bluegrid_server.models.as_data import check_alike
from bluegrid_server.protocol.tensor_spec import TensorSpec

SIZES = np.array([5, 1, 3])
NODES: dict[str, Any] = {
    "features": np.array([0, 1, 0, 0, 0, 0, 1, 0, 0]),
    "splits": np.array([0.1, -0.2, 0, 0, 0, 0, 0.3, 0, 0]),
    "left": np.array([1, 2, -1, -1, -1, -1, 1, -1, -1]),
    "right": np.array([4, 3, -1, -1, -1, -1, 2, -1, -1]),
    "values": np.arange(9.0),
}


def joined(**changed: Any) -> JoinedTrees:
    return JoinedTrees.of_nodes(SIZES, **{**NODES, **changed})


def one_by_one(outputs: list[int]) -> list[Tree]:
    parts = {name: np.split(nodes, np.cumsum(SIZES)[:-1]) for name, nodes in NODES.items()}
    return [
        Tree.of_children(output, **{name: part[number] for name, part in parts.items()})
        for number, output in enumerate(outputs)
    ]


def model(table: TreeTable) -> TreeModel:
    return TreeModel(table, (TensorSpec("x", (-1, 2)),), (TensorSpec("y", (-1,)),), None)


@pytest.mark.parametrize("outputs", [[0, 0, 0], [0, 1, 2], [2, 0, 1]])
@pytest.mark.parametrize("how", [{}, {"rounds": True}, {"is_strict": True}, {"scale": np.ones(2)}])
def test_a_table_is_the_same_as_of_trees_one_by_one(outputs: list[int], how: dict[str, Any]) -> None:
    table = joined().table(2, outputs, **how)
    check_alike(model(table), model(TreeTable.of(Ensemble(2, len({*outputs}), one_by_one(outputs), **how))))


def test_sums_of_fp32_are_the_same_too() -> None:
    table = joined().table(2, [0, 0, 0], single=True, link="Exp")
    ensemble = Ensemble(2, 1, one_by_one([0, 0, 0]), precision=np.float32, link="Exp")
    check_alike(model(table), model(TreeTable.of(ensemble)))


def test_outputs_of_unequal_numbers_of_trees_are_refused() -> None:
    with pytest.raises(NotCompiledError, match="outputs with more trees"):
        joined().table(2, [0, 0, 1])


@pytest.mark.parametrize(
    ("side", "place", "child", "fault"),
    [
        ("left", 0, -1, "one child"),
        ("right", 2, 3, "one child"),
        ("left", 0, 0, "missing"),
        ("left", 1, -2, "missing"),
        ("right", 6, 3, "missing"),
        ("right", 0, 2**62, "missing"),
        ("left", 0, 2, "two parents"),
    ],
)
def test_children_that_lead_anywhere_but_down_are_refused(
    side: str, place: int, child: int, fault: str
) -> None:
    changed = NODES[side].copy()
    changed[place] = child
    with pytest.raises(NotCompiledError, match=fault):
        joined(**{side: changed})
