"""Inputs that a request may leave out, or call by another name, and inputs of any number of dimensions."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bluegrid_server.errors import InputError
from bluegrid_server.protocol.tensor_spec import TensorSpec
from bluegrid_server.protocol.tensors import arrays_of

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


@pytest.mark.parametrize("shape", [None, 3, [0], [-1], [True], [1.0], ["1"]])
def test_what_is_no_shape_fits_no_rank(shape: object) -> None:
    with pytest.raises(InputError, match="input 'x': expected a shape of any sizes n >= 1, got"):
        arrays_of([{**tensor("x"), "shape": shape}], [TensorSpec("x", (-1,), any_rank=True)])
