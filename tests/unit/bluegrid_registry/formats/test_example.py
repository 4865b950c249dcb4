"""Recorded examples: both forms come back as they were, and each mistake is one line with its place."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from bluegrid_registry import Example, RecordedExample
from bluegrid_registry.formats.example import examples_document, parse_examples, request_of
from bluegrid_registry.formats.recorded_tensor import RecordedTensor


def tensor(name: str, data: Any, shape: list[int], datatype: str = "FP64") -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def recorded(**changes: Any) -> dict[str, Any]:
    """Return an example with several inputs and outputs, of every kind of datatype."""
    inputs = [
        tensor("load", [1.5, None, 3], [3, 1]),
        tensor("hour", [0, 23, 12], [3, 1], "INT64"),
        tensor("kind", ["cable", "", "架空"], [3, 1], "BYTES"),
        tensor("meshed", [[True], [False], [True]], [3, 1], "BOOL"),
    ]
    outputs = [
        tensor("y", list(range(288)), [3, 96], "FP32"),
        tensor("label", ["ok", "trip", "ok"], [3], "BYTES"),
        tensor("probability", [[0.5, 0.5], [None, 1.0], [0.25, 0.75]], [3, 2]),
    ]
    return {"request": {"inputs": inputs}, "response": {"outputs": outputs}, **changes}


def parsed(document: Any) -> Any:
    return parse_examples(json.dumps(document), "line-1")


def test_examples_of_both_forms_come_back_as_they_were() -> None:
    examples = parsed([recorded(), {"inputs": [[1, 2.5], [None, 0]], "outputs": [3, None]}])
    assert [type(each) for each in examples] == [RecordedExample, Example]
    assert parse_examples(examples_document(examples), "line-1") == examples


def test_one_example_needs_no_list() -> None:
    assert parsed(recorded()) == parsed([recorded()])


def test_equal_examples_are_equal_bytes_however_they_were_written() -> None:
    flat, nested = recorded(), recorded()
    nested["response"]["outputs"][0]["data"] = [list(range(96 * row, 96 * row + 96)) for row in range(3)]
    nested["request"] = {"outputs": None, "id": "7", "parameters": {"a": 1}, **nested["request"]}
    nested["response"] |= {
        "model_name": "line-1",
        "model_version": "v1",
        "parameters": {"digest": "sha256:…"},
    }
    nested["response"]["outputs"][1]["parameters"] = {"classes": ["ok", "trip"]}
    assert examples_document(parsed(flat)) == examples_document(parsed(nested))
    assert examples_document(parsed(flat)) != examples_document(parsed(recorded(rtol=1e-3)))


def test_null_in_strings_is_kept() -> None:
    (example,) = parsed(changed("request", 2, data=["a", None, "b"]))
    assert parse_examples(examples_document([example]), "line-1") == (example,)
    assert request_of(example)["inputs"][2]["data"] == ["a", None, "b"]


def test_null_in_numbers_is_kept() -> None:
    (example,) = parsed(recorded())
    assert example.request.inputs[0].data == (1.5, None, 3.0)
    assert b"[1.5,null,3.0]" in examples_document([example])


def test_the_tolerance_of_an_output_goes_before_that_of_the_example() -> None:
    (example,) = parsed(recorded(rtol=0.5, tolerances={"y": {"atol": 0.1}, "probability": {"rtol": 0}}))
    assert example.tolerance("y") == (0.5, 0.1)
    assert example.tolerance("probability") == (0.0, 1e-9)
    assert example.tolerance("label") == (0.5, 1e-9)


def test_the_request_asks_for_the_outputs_of_the_response() -> None:
    (example,) = parsed(recorded())
    request = request_of(example)
    assert request["outputs"] == [{"name": "y"}, {"name": "label"}, {"name": "probability"}]
    assert request["inputs"][0] == tensor("load", [1.5, None, 3.0], [3, 1])


def changed(part: str, number: int, **fields: Any) -> dict[str, Any]:
    """Return the example with fields of one tensor changed; `part` is request or response."""
    document = recorded()
    tensors = document[part]["inputs" if part == "request" else "outputs"]
    tensors[number] = {key: value for key, value in (tensors[number] | fields).items() if value != "absent"}
    return document


NO_INPUTS = recorded(request={"inputs": []})
NO_OUTPUTS = recorded(response={"outputs": []})
TWICE = recorded(response={"outputs": [tensor("y", [1], [1]), tensor("y", [1], [1])]})
INPUT_TWICE = recorded(request={"inputs": [tensor("x", [1], [1]), tensor("x", [1], [1])]})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (NO_INPUTS, "line-1.request.inputs: Tuple should have at least 1 item"),
        (NO_OUTPUTS, "line-1.response.outputs: Tuple should have at least 1 item"),
        (TWICE, "line-1.response: output 'y' is there twice"),
        (INPUT_TWICE, "line-1.request: input 'x' is there twice"),
        ({"request": {"inputs": [tensor("x", [1], [1])]}}, "line-1.response: Field required"),
        ([recorded(), recorded(rtol=-1)], "line-1.1.rtol: Input should be greater than or equal to 0"),
        (recorded(tolerances={"y": {"atol": -1}}), "line-1.tolerances.y.atol: Input should be greater"),
        (recorded(tolerances={"z": {}}), "line-1: tolerances: 'z' is not an output of the response, which"),
        (recorded(more=1), "line-1.more: Extra inputs are not permitted"),
        (changed("request", 0, datatype="FP8"), "line-1.request.inputs.0.datatype: 'FP8' is not a datatype"),
        (changed("request", 0, shape=[2, 2]), "0.data: has 3 elements; shape says [2, 2], which is 4"),
        (changed("request", 0, shape=[-1, 1]), "inputs.0.shape.0: Input should be greater than or equal"),
        (changed("request", 0, shape=[0, 1], data=[]), "line-1.request: input 'load' has no element"),
        (changed("request", 0, shape=[1] * 33), "0.shape: Tuple should have at most 32 items"),
        (changed("request", 0, shape=[2**63, 1]), "0.shape.0: Input should be less than 9223372036854775808"),
        (changed("request", 0, shape="absent"), "line-1.request.inputs.0.shape: Field required"),
        (changed("request", 0, data="absent"), "line-1.request.inputs.0.data: Field required"),
        (changed("request", 0, name=""), "line-1.request.inputs.0.name: String should have at least 1"),
        (changed("request", 3, data=[[True], [False, True], [True]]), "inputs.3.data: is ragged; shape says"),
        (changed("request", 3, data=[[True], False, [True]]), "inputs.3.data: is ragged; shape says [3, 1]"),
        (changed("request", 3, data=[[True, True, True]]), "data: has shape [1, 3]; shape says [3, 1]"),
        (changed("request", 0, data=[1, 2, True]), "must hold numbers only (or null), as FP64 has"),
        (changed("request", 1, data=[1, 2, None]), "must hold integers only, as INT64 has"),
        (changed("request", 1, data=[1, 2, 2**63]), "integers from -9223372036854775808 to 92233"),
        (changed("request", 2, data=["a", 1, "b"]), "must hold strings only (or null), as BYTES has"),
        (changed("request", 2, data=["a", "\ud800", "b"]), "holds a string that is not valid Unicode"),
        (changed("request", 3, data=[1, 0, 1]), "must hold true and false only, as BOOL has"),
        (changed("response", 0, data=[1e39] * 288), "must hold finite numbers of FP32 only; null stands"),
        (changed("request", 0, data=[10**400, 1, 1]), "must hold finite numbers of FP64 only"),
        (changed("request", 0, data=7), "inputs.0.data: expected a list"),
        (
            changed("request", 0, parameters={"binary_data_size": 24}, data="absent"),
            "line-1.request.inputs.0: has binary data; record its data as JSON",
        ),
        ([], "line-1: an empty list; give an example, or leave the model out"),
        ([[]], "line-1.0: Input should be a valid dictionary or instance of Example"),
        (7, "line-1: Input should be a valid dictionary or instance of Example"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(document: Any, message: str) -> None:
    with pytest.raises(ValueError, match=r"^line-1") as caught:
        parsed(document)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ['{"inputs": [[NaN]], "outputs": [1]}', "{", "[" * 100_000])
def test_what_is_no_json_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"^line-1: is not JSON: "):
        parse_examples(text, "line-1")


def test_an_example_has_as_many_outputs_as_rows() -> None:
    for inputs, outputs, message in [
        ([[1.0], [2.0]], [1.0], "2 rows of inputs, 1 output"),
        ([[1.0], [2.0, 3.0]], [1.0, 2.0], "rows of inputs differ in length"),
        ([], [], "at least 1 item"),
        ([[]], [1.0], "at least 1 item"),
        ([[float("nan")]], [1.0], "finite number"),
    ]:
        with pytest.raises(ValidationError, match=message):
            Example.model_validate({"inputs": inputs, "outputs": outputs})


def test_tensors_from_python_may_be_arrays_with_nan() -> None:
    data = np.array([[0.5, np.nan], [1.0, 2.0]])
    made = RecordedTensor.model_validate(tensor("y", data, [2, 2]))
    assert made.data == (0.5, None, 1.0, 2.0)
    assert {type(element) for element in made.data} == {float, type(None)}
    listed = RecordedTensor.model_validate(tensor("y", [*data[1]], [2]))
    assert {type(element) for element in listed.data} == {float}


def test_data_from_python_may_be_nested_tuples() -> None:
    tensor = {"name": "y", "shape": (2, 1), "datatype": "FP64", "data": ((1.0,), (2.0,))}
    assert RecordedTensor.model_validate(tensor).data == (1.0, 2.0)
