"""What the models of a version have in common, and which changes of it break clients."""

from __future__ import annotations

import pytest

from bluegrid_registry.model_types.signature import (
    ModelSignature,
    TensorSignature,
    breaking_changes,
    common,
    in_one_line,
)


def tensor(name: str, *shape: int, datatype: str = "FP64") -> TensorSignature:
    return TensorSignature(name=name, shape=shape, datatype=datatype)


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


@pytest.mark.parametrize(
    ("new", "changes"),
    [
        (ROWS, []),
        (
            ModelSignature.of([tensor("x", -1, -1)], [tensor("y", -1)]),
            ["input x FP64 [n, 3] becomes x FP64 [n, n]"],
        ),
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
    ids=[
        "same",
        "a size that models differ in",
        "more outputs",
        "unknown inputs",
        "other size",
        "other rank",
        "other input",
        "labels",
    ],
)
def test_what_breaks_a_client_is_told(new: ModelSignature, changes: list[str]) -> None:
    assert breaking_changes(ROWS, new) == changes


def test_any_size_may_be_what_it_was_and_a_fixed_number_of_rows_any() -> None:
    old = ModelSignature.of([tensor("x", 32, -1)])
    assert breaking_changes(old, ModelSignature.of([tensor("x", -1, 3)])) == []


def test_a_name_stays_within_its_line() -> None:
    assert str(tensor("x\n架空\x1b[31m", -1)) == "x\\n架空\\x1b[31m FP64 [n]"


def test_a_message_names_the_first_changes() -> None:
    changes = [f"input {number} is gone" for number in range(1, 8)]
    assert in_one_line(changes[:2]) == "input 1 is gone; input 2 is gone"
    assert in_one_line(changes).endswith("; input 5 is gone; and 2 more")


def test_of_versions_without_a_signature_no_change_is_known() -> None:
    assert breaking_changes(None, ROWS) == breaking_changes(ROWS, None) == []
