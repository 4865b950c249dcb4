"""What the models of a version have in common, and which changes of it break clients."""

from __future__ import annotations

import pytest

from bluegrid_registry.model_types.signature import (
    ModelSignature,
    TensorSignature,
    breaking_changes,
    common,
)


def tensor(
    name: str, *shape: int, datatype: str = "FP64", columns: tuple[str, ...] | None = None
) -> TensorSignature:
    return TensorSignature(name=name, shape=shape, datatype=datatype, columns=columns)


ROWS = ModelSignature.of([tensor("x", -1, 3)], [tensor("y", -1)])


def test_models_of_different_sizes_have_a_size_that_is_not_known_in_common() -> None:
    wider = ModelSignature.of([tensor("x", -1, 4)], [tensor("y", -1)])
    assert common([ROWS, wider]) == ModelSignature.of([tensor("x", -1, -1)], [tensor("y", -1)])
    assert common([ROWS, ROWS]) == ROWS


def test_only_tensors_of_all_models_are_in_common() -> None:
    other = ModelSignature.of([tensor("x", -1, 3), tensor("z", -1)], [tensor("y", -1, datatype="BYTES")])
    assert common([ROWS, other]) == ModelSignature.of([tensor("x", -1, 3)])


def test_models_of_which_nothing_is_known_change_nothing() -> None:
    assert common([]) is None
    assert common([ModelSignature(), ModelSignature()]) is None
    assert common([ModelSignature(), ROWS]) == ROWS
    assert common([ModelSignature.of([tensor("x", -1, 3)]), ROWS]) == ROWS


def test_columns_are_common_only_in_the_same_order() -> None:
    named = [ModelSignature.of([tensor("x", -1, 2, columns=names)]) for names in (("a", "b"), ("b", "a"))]
    assert common(named) == ModelSignature.of([tensor("x", -1, 2)])
    assert common(named[:1] * 2) == named[0]


@pytest.mark.parametrize(
    ("new", "changes"),
    [
        (ROWS, []),
        (ModelSignature.of([tensor("x", -1, -1)], [tensor("y", -1)]), []),
        (ModelSignature.of([tensor("x", -1, 3)], [tensor("y", -1), tensor("z", -1)]), []),
        (ModelSignature.of([], [tensor("y", -1)]), []),
        (ModelSignature.of([tensor("x", -1, 4)]), ["input x FP64 [n, 3] becomes x FP64 [n, 4]"]),
        (ModelSignature.of([tensor("x", -1)]), ["input x FP64 [n, 3] becomes x FP64 [n]"]),
        (ModelSignature.of([tensor("z", -1)]), ["input x FP64 [n, 3] is gone", "input z FP64 [n] is new"]),
        (
            ModelSignature.of([], [tensor("y", -1, datatype="BYTES")]),
            ["output y FP64 [n] becomes y BYTES [n]"],
        ),
    ],
)
def test_what_breaks_a_client_is_told(new: ModelSignature, changes: list[str]) -> None:
    assert breaking_changes(ROWS, new) == changes


@pytest.mark.parametrize(
    ("columns", "change"),
    [
        (("b", "a"), "its columns have another order"),
        (("a", "c"), "column 'b' is gone"),
        (("c", "d"), "column 'a' is gone, and 1 more"),
    ],
)
def test_other_columns_break_a_client(columns: tuple[str, ...], change: str) -> None:
    old, new = (ModelSignature.of([tensor("x", -1, 2, columns=each)]) for each in (("a", "b"), columns))
    assert breaking_changes(old, new) == [f"input x FP64 [n, 2]: {change}"]


def test_of_versions_without_a_signature_no_change_is_known() -> None:
    assert breaking_changes(None, ROWS) == breaking_changes(ROWS, None) == []
