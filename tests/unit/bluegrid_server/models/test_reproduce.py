"""Recorded requests are decoded as those of HTTP are, and every output of their responses is compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bluegrid_registry import Example, RecordedExample
from bluegrid_registry.errors import ModelError
from bluegrid_server.models.reproduce import reproduce
from bluegrid_server.protocol.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from bluegrid_registry import AnyExample

HOURS = np.arange(96.0)


class DayAhead:
    """A model with numbers and words in, and an output of each kind out; `probability` is on request."""

    inputs = (TensorSpec("load", (-1, 1)), TensorSpec("kind", (-1, 1), "BYTES"))
    outputs = (
        TensorSpec("y", (-1, 96), "FP32"),
        TensorSpec("label", (-1,), "BYTES"),
        TensorSpec("rank", (-1,), "INT64"),
        TensorSpec("is_open", (-1,), "BOOL"),
        TensorSpec("probability", (-1, 2), on_request=True),
    )

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        load = inputs["load"]
        if not len(load):
            raise ValueError("no row")
        words = [f"{word}!" for (word,) in inputs["kind"]]
        label = np.empty(len(words), dtype=object)
        label[:] = words
        rank = np.array([2**60 + len(word) for word in words])
        return {
            "y": (load * HOURS).astype(np.float32),
            "label": label,
            "rank": rank,
            "is_open": np.array([len(word) > 3 for word in words]),
        }

    def on_request(
        self, inputs: Mapping[str, NDArray[Any]], names: Collection[str]
    ) -> Mapping[str, NDArray[Any]]:
        assert set(names) == {"probability"}
        p = 1 / (1 + inputs["load"])
        return {"probability": np.hstack([p, 1 - p])}


def tensor(name: str, data: Any, shape: list[int], datatype: str = "FP64") -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


INPUTS = [tensor("load", [1.0, None], [2, 1]), tensor("kind", ["ab", "架空线"], [2], "BYTES")]
Y = [[*HOURS], [None] * 96]
OUTPUTS = {
    "y": tensor("y", Y, [2, 96], "FP32"),
    "label": tensor("label", ["ab!", "架空线!"], [2], "BYTES"),
    "rank": tensor("rank", [2**60 + 3, 2**60 + 4], [2], "INT64"),
    "is_open": tensor("is_open", [False, True], [2], "BOOL"),
    "probability": tensor("probability", [0.5, 0.5, None, None], [2, 2]),
}


def recorded(*outputs: dict[str, Any], inputs: Any = INPUTS, **more: Any) -> RecordedExample:
    """Return an example with these outputs; with all if none are given."""
    response = {"outputs": [*outputs] or [*OUTPUTS.values()]}
    return RecordedExample.model_validate({"request": {"inputs": inputs}, "response": response, **more})


def changed(name: str, **fields: Any) -> dict[str, Any]:
    return {**OUTPUTS[name], **fields}


def fault(*examples: AnyExample) -> str:
    """Return the message of a model that does not reproduce."""
    with pytest.raises(ModelError) as caught:
        reproduce(DayAhead(), examples)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_all_outputs_of_all_examples_reproduce() -> None:
    reproduce(DayAhead(), [recorded(), *(recorded(output) for output in OUTPUTS.values())])


def test_the_last_of_96_values_is_compared() -> None:
    wrong = [[*HOURS[:95], 96.0], [None] * 96]
    assert fault(recorded(changed("y", data=wrong))) == (
        "does not reproduce its recorded example: output 'y', row 0, column 95: expected 96.0, got 95.0 "
        "(rtol 1e-06, atol 1e-09); 1 of 192 differ: train and push it with the library versions of the image"
    )


def test_the_example_that_differs_is_named() -> None:
    found = fault(recorded(), recorded(changed("label", data=["ab", "架空线!"])), recorded())
    told = "does not reproduce its recorded example 2 of 3: output 'label', row 0: expected 'ab', got 'ab!'; "
    assert found.startswith(told)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (changed("is_open", data=[True, True]), "output 'is_open', row 0: expected True, got False; 1 of 2"),
        # Neighbours, which no tolerance of floating-point numbers would tell apart.
        (changed("rank", data=[2**60 + 3, 2**60 + 5]), f"row 1: expected {2**60 + 5}, got {2**60 + 4}; 1 of"),
        (changed("probability", data=[0.5, 0.5, 0.1, 0.9]), "row 1, column 0: expected 0.1, got nan"),
        (
            changed("probability", data=[0.5, None, None, None]),
            "column 1: expected a number that is not finit",
        ),
        (
            changed("y", data=[1.0] * 4, shape=[2, 2]),
            "expected FP32 of shape [2, 2], got float32 of shape [2,",
        ),
        (changed("label", data=[1.0, 2.0], datatype="FP64"), "expected FP64 of shape [2], got object of"),
        (changed("rank", data=["1", "2"], datatype="BYTES"), "expected BYTES of shape [2], got int64 of"),
    ],
)
def test_a_difference_is_told_with_its_place(output: dict[str, Any], message: str) -> None:
    assert message in fault(recorded(output))


def test_tolerances_are_those_of_the_output() -> None:
    off = changed("y", data=[[*(HOURS + 0.01)], [None] * 96])
    near = changed("rank", data=[2**60 + 3, 2**60 + 5])
    reproduce(DayAhead(), [recorded(off, near, tolerances={"y": {"atol": 0.02}, "rank": {"atol": 1}})])
    assert "output 'y'" in fault(recorded(off, near, tolerances={"rank": {"atol": 1}}))
    assert "output 'rank'" in fault(recorded(off, near, atol=0.02))


def test_numbers_of_another_datatype_and_a_column_of_one_are_the_same_numbers() -> None:
    reproduce(DayAhead(), [recorded(tensor("label", ["ab!", "架空线!"], [2, 1], "BYTES"))])
    reproduce(DayAhead(), [recorded(changed("y", datatype="FP64"))])
    reproduce(DayAhead(), [recorded(tensor("rank", [2.0**60, 2.0**60], [2]))])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            INPUTS[:1],
            "cannot answer its recorded example: inputs: expected 'load', 'kind', got 'load'; record",
        ),
        (
            [tensor("load", [1.0], [1, 1]), tensor("kind", [1.0], [1, 1])],
            "input 'kind': expected datatype BYTES",
        ),
        ([tensor("load", [[1.0, 2.0]], [1, 2]), INPUTS[1]], "input 'load': expected shape ["),
    ],
)
def test_a_request_that_the_model_does_not_take_is_told_in_the_words_of_http(
    inputs: list[dict[str, Any]], message: str
) -> None:
    assert message in fault(recorded(OUTPUTS["label"], inputs=inputs))


def test_an_output_that_the_model_has_not_is_told() -> None:
    assert fault(recorded(tensor("z", [1.0], [1]))) == (
        "has no output 'z', which its recorded example has; it gives y, label, rank, is_open, probability: "
        "record it again"
    )


class Gaps:
    """A model that takes missing values."""

    inputs = (TensorSpec("x", (-1, 2)),)
    outputs = (TensorSpec("y", (-1,)),)

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {"y": inputs["x"].sum(axis=1)}


def test_rows_may_have_missing_values_and_answers_that_are_not_finite() -> None:
    rows = ((1.0, 2.0), (None, 1.0))
    reproduce(Gaps(), [Example(inputs=rows, outputs=(3.0, None))])
    for outputs, message in [
        ((3.0, 1.0), "row 1: expected 1.0, got nan (rtol"),
        ((None, None), "row 0: expected a number that is not finite, got 3.0"),
    ]:
        with pytest.raises(ModelError) as caught:
            reproduce(Gaps(), [Example(inputs=rows, outputs=outputs)])
        assert message in str(caught.value)


def test_rows_of_numbers_are_for_models_with_one_input() -> None:
    found = fault(Example(inputs=((1.0,),), outputs=(1.0,)))
    assert found.startswith(
        "has 2 inputs; rows of numbers are recorded examples for models with one: record a"
    )
