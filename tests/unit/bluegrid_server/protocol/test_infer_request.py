"""A decoded request to one model: its fast branch accepts exactly what the checks of any tensor accept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluegrid_server.errors import InputError
from bluegrid_server.protocol.requests import InferRequest
from bluegrid_server.protocol.tensor_spec import TensorSpec
from bluegrid_server.protocol.tensors import BinaryData, arrays_of

INPUTS = (TensorSpec("a", (-1, 2)),)
OUTPUTS = (TensorSpec("y", (-1,)), TensorSpec("z", (-1,)))
ROW: dict[str, Any] = {"name": "a", "shape": [1, 2], "datatype": "FP64", "data": [1.5, 2.5]}
WRONG: tuple[dict[str, Any], ...] = (
    {"data": [1.5, [None]]},
    {"data": [1.5, "2.5"]},
    {"data": [[1.5], [2.5]]},
    {"data": [[]]},
    {"data": []},
    {"data": {}},
    {"data": [1.5, 2.5, 3.5]},
    {"shape": [True, 2]},
    {"shape": [1.0, 2]},
    {"shape": [1, 3]},
    {"shape": [2, 1]},
    {"shape": [1]},
    {"shape": []},
    {"shape": 2},
    {"datatype": ["FP64"]},
    {"datatype": "BYTES"},
    {"name": "b"},
    {"parameters": {"binary_data_size": 16}},
)


def decoded(document: Any, binary: BinaryData | None = None) -> InferRequest:
    return InferRequest(document, INPUTS, OUTPUTS, binary)


@pytest.mark.parametrize("data", [[1.5, 2.5], [[1.5, 2.5]], [1, 2.5], [[1, 2]]])
def test_a_row_is_taken_flat_or_nested_as_floats_or_integers(data: Any) -> None:
    got = decoded({"inputs": [{**ROW, "data": data}]}).inputs["a"]
    expected = arrays_of([{**ROW, "data": data}], INPUTS)["a"]
    assert (got.dtype, got.tolist()) == (np.dtype(np.float64), expected.tolist())


def test_a_missing_value_of_a_row_is_nan() -> None:
    got = decoded({"inputs": [{**ROW, "data": [1.5, None]}]}).inputs["a"]
    assert got.dtype == np.dtype(np.float64)
    assert got[0, 0] == 1.5
    assert np.isnan(got[0, 1])


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_row_is_taken_only_if_any_tensor_like_it_would_be(wrong: dict[str, Any]) -> None:
    tensor = {**ROW, **wrong}
    with pytest.raises(InputError) as caught:
        arrays_of([tensor], INPUTS)
    with pytest.raises(InputError) as refused:
        decoded({"inputs": [tensor]})
    assert str(refused.value) == str(caught.value)


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SOME = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), NUMBERS, st.just("x"))


@given(
    st.lists(SOME | st.lists(SOME, max_size=3), max_size=3) | SOME,
    st.lists(SOME, max_size=3) | SOME,
    st.sampled_from(["FP64", "FP32", "INT8", "BOOL", "BYTES", "x", None]),
    st.none() | st.just({}) | st.just({"unit": "MW"}) | st.just({"binary_data_size": 16}),
)
def test_both_branches_agree_on_any_tensor(data: Any, shape: Any, datatype: Any, parameters: Any) -> None:
    tensor = {"name": "a", "shape": shape, "datatype": datatype, "data": data, "parameters": parameters}
    try:
        expected: Any = arrays_of([tensor], INPUTS)["a"].tolist()
    except InputError as error:
        expected = str(error)
    try:
        got: Any = decoded({"inputs": [tensor]}).inputs["a"].tolist()
    except InputError as error:
        got = str(error)
    assert got == expected


def test_a_row_whose_sum_is_beyond_fp64_is_taken() -> None:
    got = decoded({"inputs": [{**ROW, "data": [1.7e308, 1.7e308]}]}).inputs["a"]
    assert got.tolist() == [[1.7e308, 1.7e308]]


def test_binary_data_that_no_tensor_takes_is_refused_beside_a_row() -> None:
    with pytest.raises(InputError, match="8 bytes of binary data belong to no input"):
        decoded({"inputs": [ROW]}, BinaryData(b"8 bytes!"))


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, {"y": False, "z": False}),
        ({"outputs": None, "parameters": None}, {"y": False, "z": False}),
        ({"outputs": [{"name": "z"}]}, {"z": False}),
        ({"parameters": {"binary_data_output": True}}, {"y": True, "z": True}),
        ({"outputs": [{"name": "z", "parameters": {"binary_data": True}}]}, {"z": True}),
    ],
)
def test_outputs_are_all_or_those_that_are_named(fields: dict[str, Any], wanted: dict[str, bool]) -> None:
    assert decoded({"inputs": [ROW], **fields}).outputs == wanted


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "the body must be a JSON object"),
        ({"id": 7}, "id: expected a string, got 7"),
        ({"parameters": 3}, "parameters of the request: expected an object"),
        ({"outputs": 3}, "outputs: expected a list of 'y', 'z', each an object with a name"),
        ({"outputs": [{"name": "y", "parameters": 3}]}, "parameters of an output: expected an object"),
        ({"inputs": [[]]}, "inputs: expected a list of tensors: 'a'"),
    ],
)
def test_what_is_no_request_is_refused_by_its_place(document: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        decoded(document)
    assert str(caught.value) == message
