"""Tables of trees: what is not one is refused, and bounds send numbers where a framework's splits do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluegrid_server.frameworks.compiled import NotCompiledError
from bluegrid_server.frameworks.tree_table import MAX_DEPTH, SMALL, TreeTable
from bluegrid_server.frameworks.trees import MAX_INPUTS, Ensemble, Tree

NUMBERS = st.floats(min_value=-1e39, max_value=1e39, allow_nan=False)
NEAR = st.sampled_from([0.0, -0.0, 1e-45, -1e-46, 7e-46, 1.0, float(np.finfo(np.float32).max)])


def tree(**changed: Any) -> Tree:
    """Return a tree of two nodes and three leaves."""
    parts: dict[str, Any] = {
        "output": 0,
        "features": np.array([0, 1]),
        "splits": np.array([0.0, 1.0]),
        "left": np.array([1, ~0]),
        "right": np.array([~2, ~1]),
        "leaves": np.array([1.0, 2.0, 4.0]),
    }
    return Tree(**{**parts, **changed})


def chain(length: int) -> Tree:
    """Return a tree whose nodes each have a leaf to the left and the next node to the right."""
    nodes = np.arange(length)
    right = np.where(nodes == length - 1, ~length, nodes + 1)
    return tree(
        features=np.zeros(length, np.int64),
        splits=nodes.astype(np.float64),
        left=~nodes,
        right=right,
        leaves=np.arange(length + 1.0),
    )


@pytest.mark.parametrize(
    ("trees", "fault"),
    [
        ([tree(left=np.array([0, ~0]))], "has a node with two parents"),
        ([tree(left=np.array([1, 0]), right=np.array([1, 0]))], "has a node with two parents"),
        ([tree(right=np.array([~2, 1]))], "has a node with two parents"),
        ([tree(right=np.array([~3, ~1]))], "has a node whose child is missing"),
        ([tree(left=np.array([2, ~0]))], "has a node whose child is missing"),
        ([tree(left=np.array([2**40, ~0]))], "has a node whose child is missing"),
        ([tree(features=np.array([0, 2]))], "compares a feature that it does not have"),
        ([tree(features=np.array([-1, 1]))], "compares a feature that it does not have"),
        ([tree(splits=np.array([0.0, np.nan]))], "splits at NaN"),
        ([tree(splits=np.array([0.0]))], "has nodes without a split or a child"),
        ([tree(output=1)], "has a tree for output 1 of 1"),
        ([chain(MAX_DEPTH + 1)], f"has a tree of more than {MAX_DEPTH} levels"),
    ],
)
def test_what_is_not_a_tree_is_refused(trees: list[Tree], fault: str) -> None:
    with pytest.raises(NotCompiledError, match=f"^{fault}$"):
        TreeTable.of(Ensemble(2, 1, trees))


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"outputs": 10**9}, "has 1 trees for 1000000000 outputs"),
        ({"outputs": 0}, "has 1 trees for 0 outputs"),
        ({"inputs": MAX_INPUTS + 1}, f"takes {MAX_INPUTS + 1} features"),
        ({"link": "Loop"}, "ends in Loop"),
        ({"labels": np.array([1, 2])}, "has 2 labels for 1 outputs"),
        ({"scale": np.ones(3)}, "scales another number of features"),
    ],
)
def test_sizes_that_trees_cannot_have_are_refused(changed: dict[str, Any], fault: str) -> None:
    with pytest.raises(NotCompiledError, match=f"^{fault}$"):
        TreeTable.of(replace(Ensemble(2, 1, [tree()]), **changed))


def test_rows_of_a_comparison_are_not_made_for_any_number_of_features() -> None:
    with pytest.raises(NotCompiledError, match="takes 1000000000 features"):
        Ensemble(10**9, 1, [tree()]).rows()


def test_trees_without_nodes_are_their_leaves() -> None:
    table = TreeTable.of(Ensemble(2, 1, [Tree.constant(0, 1.5), Tree.constant(0, 2.0)]))
    assert table.depth == 0
    for rows in (1, 3):
        answers = table.compute(np.zeros((rows, 2)))
        assert answers is not None
        assert answers.reshape(-1).tolist() == [3.5] * rows


def test_the_deepest_tree_that_is_allowed_answers() -> None:
    table = TreeTable.of(Ensemble(1, 1, [chain(MAX_DEPTH)]))
    answers = table.compute(np.array([[0.5], [2e9], [-1.0]]))
    assert answers is not None
    assert answers.reshape(-1).tolist() == [1.0, float(MAX_DEPTH), 0.0]


@pytest.mark.parametrize("inputs", [2, SMALL, SMALL + 1, MAX_INPUTS])
def test_a_row_may_have_far_more_numbers_than_there_are_nodes(inputs: int) -> None:
    last = tree(features=np.array([inputs - 1, 0]))
    table = TreeTable.of(Ensemble(inputs, 1, [last, tree()]))
    x = np.zeros((1, inputs))
    x[0, 0], x[0, -1] = 0.5, -1.0
    answers = table.compute(x)
    assert answers is not None
    assert answers.reshape(-1).tolist() == [1.0 + 4.0]


@given(st.lists(st.lists(st.floats(-3, 3), min_size=2, max_size=2), min_size=1, max_size=5))
def test_rows_are_answered_alone_as_among_others(rows: list[list[float]]) -> None:
    table = TreeTable.of(Ensemble(2, 1, [tree(), chain(3), Tree.constant(0, 0.1), tree()]))
    x = np.array(rows)
    together = table.compute(x)
    assert together is not None
    for row, answer in zip(x, together.reshape(-1), strict=True):
        alone = table.compute(row[np.newaxis])
        assert alone is not None
        assert alone.reshape(-1).tolist() == [answer]


@given(NUMBERS | NEAR, st.integers(-3, 3), st.booleans(), st.booleans())
def test_a_bound_sends_a_number_where_the_split_does(
    split: float,
    steps: int,
    rounds: bool,
    is_strict: bool,
) -> None:
    with np.errstate(all="ignore"):
        held = np.float32(split)
        for center in (split, float(held), float((held + np.nextafter(held, np.float32(np.inf))) / 2)):
            if not abs(center) < np.finfo(np.float32).max:
                continue
            number = center
            for _ in range(abs(steps)):
                number = float(np.nextafter(number, np.copysign(np.inf, steps)))
            compared = float(np.float32(number)) if rounds else number
            goes_left = compared < split if is_strict else compared <= split
            one = tree(
                features=np.zeros(1, np.int64),
                splits=np.array([split]),
                left=np.array([~0]),
                right=np.array([~1]),
                leaves=np.array([1.0, 2.0]),
            )
            ensemble = Ensemble(1, 1, [one], rounds=rounds, is_strict=is_strict)
            answer = TreeTable.of(ensemble).compute(np.array([[number]]))
            assert answer is not None
            assert answer.reshape(-1).tolist() == [1.0 if goes_left else 2.0]


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf, 1e39])
@pytest.mark.parametrize("rows", [1, 2])
def test_rows_that_a_framework_judges_have_no_answer(strange: float, rows: int) -> None:
    x = np.zeros((rows, 2))
    x[-1, 1] = strange
    assert TreeTable.of(Ensemble(2, 1, [tree()])).compute(x) is None
