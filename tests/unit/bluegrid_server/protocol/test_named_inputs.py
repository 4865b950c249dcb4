"""Inputs that a request may leave out, or call by another name, and inputs of any number of dimensions."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from bluegrid_server.errors import InputError
from bluegrid_server.protocol.tensor_spec import TensorSpec
from bluegrid_server.protocol.tensors import BinaryData, arrays_of

ROW = TensorSpec("row", (-1, 2))
EXTRA = TensorSpec("extra", (-1,), optional=True)
SECOND = TensorSpec("input_layer_1", (-1,), aliases=("input_layer_9",))
FIRST = TensorSpec("input_layer", (-1,), aliases=("input_layer_1",))


def tensor(name: object, shape: Any = (1,)) -> dict[str, Any]:
    return {"name": name, "shape": list(shape), "datatype": "FP64", "data": [1.0] * max(1, *shape, 1)}


def test_an_optional_input_can_be_left_out() -> None:
    assert list(arrays_of([tensor("row", (1, 2))], [ROW, EXTRA])) == ["row"]
    assert set(arrays_of([tensor("extra"), tensor("row", (1, 2))], [ROW, EXTRA])) == {"row", "extra"}


@pytest.mark.parametrize(
    "names", [["extra"], [], ["row", "other"], ["row", "row"], ["row", 1], ["row", ["extra"]]]
)
def test_other_inputs_are_refused(names: list[object]) -> None:
    message = "^" + re.escape("inputs: expected 'row', 'extra', got")
    with pytest.raises(InputError, match=message):
        arrays_of([tensor(name, (1, 2) if name == "row" else (1,)) for name in names], [ROW, EXTRA])


def test_an_alias_stands_for_its_input() -> None:
    arrays = arrays_of([tensor("input_layer_9", (3,)), tensor("input_layer", (2,))], [FIRST, SECOND])
    assert {name: array.shape for name, array in arrays.items()} == {
        "input_layer_1": (3,),
        "input_layer": (2,),
    }


def test_a_name_comes_before_an_alias_so_that_inputs_are_never_exchanged() -> None:
    with pytest.raises(InputError, match="expected 'input_layer', 'input_layer_1', got"):
        arrays_of([tensor("input_layer_1"), tensor("input_layer_9")], [FIRST, SECOND])


@pytest.mark.parametrize("shape", [(), (1,), (2, 1), (1, 1, 3)])
def test_any_shape_fits_any_rank(shape: tuple[int, ...]) -> None:
    size = max(1, *shape, 1)
    given = {"name": "x", "shape": list(shape), "datatype": "FP64", "data": [1.0] * size}
    assert arrays_of([given], [TensorSpec("x", (-1,), any_rank=True)])["x"].shape == shape


@pytest.mark.parametrize("shape", [None, 3, [0], [-1], [True], [1.0], ["1"], [1] * 33], ids=repr)
def test_what_is_no_shape_fits_no_rank(shape: object) -> None:
    with pytest.raises(
        InputError, match=r"input 'x': expected a shape of at most 32 sizes n >= 1, got .{1,40}$"
    ):
        arrays_of([{**tensor("x"), "shape": shape}], [TensorSpec("x", (-1,), any_rank=True)])


UNUSED = ("day", "note")
USED = (TensorSpec("load", (-1, 1), ignored=UNUSED), TensorSpec("wind", (-1, 1), ignored=UNUSED))
ROWS = (TensorSpec("x", (-1, 2), columns=("load", "wind"), ignored=UNUSED),)


@pytest.mark.parametrize("specs", [USED, ROWS], ids=["columns", "rows"])
@pytest.mark.parametrize("more", [[], ["day"], ["note", "day"]], ids=["none", "one", "all"])
def test_a_column_that_the_model_does_not_use_can_be_given(
    specs: tuple[TensorSpec, ...], more: list[str]
) -> None:
    unused = [{"name": name, "datatype": "?", "data": "?"} for name in more]
    given = [tensor("wind", (1,)), *unused, {**tensor("load", (1,)), "data": [2.0]}]
    arrays = arrays_of(given, specs)
    assert np.hstack([arrays[spec.name] for spec in specs]).tolist() == [[2.0, 1.0]]


def test_the_bytes_of_a_column_that_the_model_does_not_use_are_passed_over() -> None:
    numbers = {"shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}}
    given = [{"name": name, **numbers} for name in ("load", "day", "wind")]
    binary = BinaryData(np.array([1.0, 2.0, 3.0]).tobytes())
    arrays = arrays_of(given, USED, binary)
    assert (arrays["load"].tolist(), arrays["wind"].tolist()) == ([[1.0]], [[3.0]])


def test_columns_that_the_model_does_not_use_are_not_enough() -> None:
    with pytest.raises(InputError, match=r"^inputs: expected 'load', 'wind', got 'load', 'day'$"):
        arrays_of([tensor("load"), tensor("day")], USED)


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_a_missing_string_is_none_if_the_model_takes_it(shape: tuple[int, ...]) -> None:
    given = {"name": "kind", "shape": list(shape), "datatype": "BYTES", "data": ["cable", None]}
    arrays = arrays_of([given], [TensorSpec("kind", (-1, 1), "BYTES", takes_null=True)])
    assert arrays["kind"].tolist() == [["cable"], [None]]
    with pytest.raises(InputError, match="data must hold strings, or null where a value is missing"):
        arrays_of([{**given, "data": ["a", 1]}], [TensorSpec("kind", (-1, 1), "BYTES", takes_null=True)])
