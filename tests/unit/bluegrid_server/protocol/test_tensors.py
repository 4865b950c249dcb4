"""Tensors of requests and answers, of every datatype, as JSON and as binary data."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from bluegrid_server.errors import InputError
from bluegrid_server.protocol.tensor_spec import TensorSpec
from bluegrid_server.protocol.tensors import (
    DATATYPES,
    BinaryData,
    arrays_of,
    binary_of,
    datatype_of,
    json_data_of,
)

SPECS = (TensorSpec("a", (-1, 2), "FP32"), TensorSpec("s", (-1,), "BYTES"))
WORDS = np.array([b"", b"x", b"\xff" * 300], dtype=object)


def binary_tensor(array: np.ndarray[Any, Any], name: str = "a") -> dict[str, Any]:
    return {
        "name": name,
        "shape": list(array.shape),
        "datatype": datatype_of(array),
        "parameters": {"binary_data_size": len(binary_of(array))},
    }


@given(st.data())
def test_numbers_come_back_as_they_went(data: st.DataObject) -> None:
    datatype = data.draw(st.sampled_from([name for name in DATATYPES if name != "BYTES"]))
    dtype = DATATYPES[datatype]
    shape = data.draw(npst.array_shapes(max_dims=3, max_side=4))
    elements = npst.from_dtype(dtype, allow_nan=False, allow_infinity=False)
    array = data.draw(npst.arrays(dtype, shape, elements=elements))
    spec = TensorSpec("a", (-1,) * len(shape), datatype)
    text = orjson.dumps(json_data_of(array), option=orjson.OPT_SERIALIZE_NUMPY)
    tensor = {"name": "a", "shape": list(shape), "datatype": datatype, "data": json.loads(text)}
    got = arrays_of([tensor], [spec])["a"]
    assert (got.dtype, got.tolist()) == (dtype, array.tolist())
    tensor["data"] = array.tolist()
    assert arrays_of([tensor], [spec])["a"].tolist() == array.tolist()
    raw = arrays_of([binary_tensor(array)], [spec], BinaryData(binary_of(array)))["a"]
    assert (raw.dtype, raw.tolist()) == (dtype, array.tolist())


@given(npst.arrays(object, npst.array_shapes(max_dims=3, max_side=4), elements=st.text(max_size=5)))
def test_strings_come_back_as_they_went(array: np.ndarray[Any, Any]) -> None:
    spec = TensorSpec("a", (-1,) * array.ndim, "BYTES")
    for data in (array.tolist(), json_data_of(array)):
        tensor = {"name": "a", "shape": list(array.shape), "datatype": "BYTES", "data": data}
        assert arrays_of([tensor], [spec])["a"].tolist() == array.tolist()
    raw = arrays_of([binary_tensor(array)], [spec], BinaryData(binary_of(array)))["a"]
    assert [word.decode() for word in raw.reshape(-1)] == array.reshape(-1).tolist()


def test_integers_beyond_int64_are_taken_as_they_are() -> None:
    tensor = {"name": "a", "shape": [2], "datatype": "UINT64", "data": [0, 2**64 - 1]}
    assert arrays_of([tensor], [TensorSpec("a", (-1,), "UINT64")])["a"].tolist() == [0, 2**64 - 1]
    with pytest.raises(InputError, match="data must lie between 0 and 18446744073709551615"):
        arrays_of([{**tensor, "data": [0, 2**64]}], [TensorSpec("a", (-1,), "UINT64")])
    with pytest.raises(InputError, match="data must hold integers only"):
        arrays_of([{**tensor, "data": [0.0, 2**63]}], [TensorSpec("a", (-1,), "UINT64")])


def test_several_inputs_take_their_binary_data_in_turn() -> None:
    numbers = np.array([[1.5, 2.5]], dtype=np.float32)
    inputs = [binary_tensor(WORDS, "s"), binary_tensor(numbers, "a")]
    got = arrays_of(inputs, SPECS, BinaryData(binary_of(WORDS) + binary_of(numbers)))
    assert got["s"].tolist() == WORDS.tolist()
    assert got["a"].tolist() == numbers.tolist()


def of(**changed: object) -> list[dict[str, Any]]:
    strings = {"name": "s", "shape": [2], "datatype": "BYTES", "data": ["p", "q"]}
    return [{"name": "a", "shape": [1, 2], "datatype": "FP32", "data": [1.0, 2.0]}, {**strings, **changed}]


INTEGERS_THAT_FIT = [
    ("INT64", "INT32", [-(2**31), 2**31 - 1]),
    ("INT64", "UINT8", [0, 255]),
    ("UINT64", "INT64", [2**63 - 1]),
    ("INT64", "FP32", [-(2**24), 2**24]),
    ("INT32", "FP16", [-2048, 2048]),
]


@pytest.mark.served("every framework", "integers of another datatype whose values fit")
@pytest.mark.parametrize("binary", [False, True], ids=["JSON", "binary"])
@pytest.mark.parametrize(
    ("sent", "taken", "data"), INTEGERS_THAT_FIT, ids=[f"{row[0]} as {row[1]}" for row in INTEGERS_THAT_FIT]
)
def test_integers_fit_by_their_values(sent: str, taken: str, data: list[int], *, binary: bool) -> None:
    specs = [TensorSpec("n", (-1,), taken)]

    def arrays(numbers: list[int]) -> Any:
        tensor: dict[str, Any] = {"name": "n", "shape": [len(numbers)], "datatype": sent}
        if not binary:
            return arrays_of([{**tensor, "data": numbers}], specs)["n"]
        raw = np.array(numbers, DATATYPES[sent]).tobytes()
        return arrays_of([{**tensor, "parameters": {"binary_data_size": len(raw)}}], specs, BinaryData(raw))[
            "n"
        ]

    assert arrays(data).dtype == DATATYPES[taken]
    assert arrays(data).tolist() == data
    with pytest.raises(InputError, match=f"input 'n': data must lie between .* and {max(data)}$"):
        arrays([max(data) + 1])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (of()[:1], "inputs: expected 'a', 's', got 'a'"),
        ([*of(), *of()], "inputs: expected 'a', 's', got 'a', 's', 'a', 's'"),
        (of(name="a"), "inputs: expected 'a', 's', got 'a', 'a'"),
        (of(name=["s"]), "inputs: expected 'a', 's', got 'a', ['s']"),
        (of(data=["p", 1]), "input 's': data must hold strings only"),
        pytest.param(
            of(data=["p", None]),
            "input 's': data must hold strings only",
            marks=pytest.mark.not_served(
                "every framework",
                "missing strings in binary tensors, and of CatBoost and graphs",
                "they have no value for it; train with a word for it",
            ),
        ),
        (
            of(data=None, parameters={"shared_memory_region": "a", "shared_memory_byte_size": 2}),
            "input 's': shared memory is not supported; send the data",
        ),
        (of(data="pq"), "input 's': data must hold strings only"),
        (of(data=None), "input 's': data must hold strings only"),
        (of(data=["p"]), "input 's': shape says [2], data has shape [1]"),
        (of(data=[["p", "q"]]), "input 's': data is ragged; shape says [2]"),
        (of(data=[[]]), "input 's': data is ragged; shape says [2]"),
        (of(data=[["p"], ["q", "r"]]), "input 's': data is ragged; shape says [2]"),
        (of(data=[[["p"]], [["q"]]]), "input 's': data is ragged; shape says [2]"),
        (of(shape=[True]), "input 's': expected shape [n] with n >= 1, got [True]"),
        (of(shape=[10**30]), "input 's': shape says"),
        (of(parameters=None), None),
        (of(parameters=[]), "input 's': parameters must be an object"),
        (of(parameters=[1]), "input 's': parameters must be an object"),
        (of(parameters={"binary_data_size": 1}), "input 's': has both data and binary_data_size"),
        (of(datatype="INT8"), "input 's': expected datatype BYTES or one that fits into it, got INT8"),
    ],
)
def test_a_wrong_tensor_is_told_by_name(inputs: Any, message: str | None) -> None:
    if message is None:
        assert arrays_of(inputs, SPECS)["s"].tolist() == ["p", "q"]
        return
    with pytest.raises(InputError) as caught:
        arrays_of(inputs, SPECS)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("size", "data", "message"),
    [
        (8, b"1234567", "input 'a': binary_data_size is 8; 7 bytes of binary data are left"),
        (8, b"123456789", "1 bytes of binary data belong to no input"),
        (4, b"1234", "input 'a': shape says [1, 2], which is 8 bytes; binary_data_size is 4"),
        ("8", b"12345678", "input 'a': binary_data_size is '8'"),
        (True, b"1", "input 'a': binary_data_size is True"),
        (-1, b"1", "input 'a': binary_data_size is -1"),
        (
            8,
            np.array([math.inf, 1], "<f4").tobytes(),
            "input 'a': data must hold finite numbers, or NaN where",
        ),
    ],
)
def test_wrong_binary_data_is_told(size: object, data: bytes, message: str) -> None:
    tensor = {"name": "a", "shape": [1, 2], "datatype": "FP32", "parameters": {"binary_data_size": size}}
    with pytest.raises(InputError) as caught:
        arrays_of([tensor], SPECS[:1], BinaryData(data))
    assert str(caught.value).startswith(message)


@given(st.binary(max_size=40))
def test_whatever_bytes_are_sent_as_strings_are_read_or_refused(data: bytes) -> None:
    tensor = {"name": "s", "shape": [2], "datatype": "BYTES", "parameters": {"binary_data_size": len(data)}}
    try:
        words = arrays_of([tensor], SPECS[1:], BinaryData(data))["s"]
    except InputError:
        return
    assert binary_of(words) == data


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.fixed_dictionaries(
        {
            "name": st.just("a"),
            "shape": JSON | st.just([1, 2]),
            "datatype": st.sampled_from([*DATATYPES, "x"]) | JSON,
        },
        optional={"data": JSON | st.lists(JSON, min_size=2, max_size=2), "parameters": JSON},
    )
)
def test_whatever_json_comes_is_read_or_refused(tensor: dict[str, Any]) -> None:
    with contextlib.suppress(InputError):
        array = arrays_of([tensor], SPECS[:1])["a"]
        assert array.dtype == np.float32
        assert array.shape[1] == 2
