"""Fields of protobuf messages, written and read again."""

from __future__ import annotations

from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from bluegrid_registry.model_types.protobuf import VARINT, encoded, fields, integer, nested, varints


def test_fields_are_written_as_they_were_read() -> None:
    attributes: dict[str, Any] = {"alpha": 0.25, "count": -1, "words": ["a", "b"], "sizes": [1, 2**40]}
    node = helper.make_node("Own", ["x"], ["y"], **attributes)
    doubles = helper.make_tensor("d", TensorProto.DOUBLE, [300], [0.5] * 300)
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])
    data = helper.make_model(helper.make_graph([node], "g", [value], [value], [doubles])).SerializeToString()
    for message in (data, node.SerializeToString(), doubles.SerializeToString()):
        assert b"".join(map(encoded, fields(memoryview(message)))) == message


def test_new_fields_are_those_of_protobuf() -> None:
    opset = nested(1, "电网".encode()) + integer(2, 300)
    assert onnx.OperatorSetIdProto.FromString(opset) == helper.make_opsetid("电网", 300)


@pytest.mark.parametrize("number", [0, 127, 128, 2**63, 2**64 - 1])
def test_an_integer_of_any_size_is_written(number: int) -> None:
    (field,) = fields(memoryview(integer(7, number)))
    assert (field.number, field.kind, field.value) == (7, VARINT, number)
    assert list(varints(memoryview(integer(7, number))[1:])) == [number]
