"""External tensors of an ONNX model are found wherever a model has tensors, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper

from bluegrid_registry import FormatError, ModelType
from bluegrid_registry.model_types.external_data import FIELDS, has_external_data

if TYPE_CHECKING:
    from collections.abc import Callable

ONNX = ModelType.parse("onnx/onnx")


def outside() -> TensorProto:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="weights")
    return tensor


def model(change: Callable[[Any], object]) -> bytes:
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None])
    taken = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [given], [taken])
    made = helper.make_model(graph)
    change(made)
    return bytes(made.SerializeToString())


def _in_a_sub_graph(made: onnx.ModelProto) -> None:
    branch = onnx.GraphProto(initializer=[outside()])
    made.graph.node[0].attribute.add(name="body", type=AttributeProto.GRAPH, g=branch)


def _in_a_sparse_tensor(made: onnx.ModelProto) -> None:
    made.graph.sparse_initializer.add().values.CopyFrom(outside())


PLACES: dict[str, Callable[[onnx.ModelProto], object]] = {
    "an initializer": lambda made: made.graph.initializer.append(outside()),
    "a constant": lambda made: made.graph.node[0].attribute.add(
        name="value", type=AttributeProto.TENSOR, t=outside()
    ),
    "a list of constants": lambda made: made.graph.node[0].attribute.add(
        name="values", type=AttributeProto.TENSORS, tensors=[outside()]
    ),
    "a sub-graph": _in_a_sub_graph,
    "a sparse tensor": _in_a_sparse_tensor,
    "a function": lambda made: (
        made.functions.add().node.add().attribute.add(name="value", type=AttributeProto.TENSOR, t=outside())
    ),
    "a default of a function": lambda made: made.functions.add().attribute_proto.add(
        name="value", type=AttributeProto.TENSOR, t=outside()
    ),
    "training": lambda made: made.training_info.add().initialization.initializer.append(outside()),
}


@pytest.mark.parametrize("change", PLACES.values(), ids=PLACES)
def test_a_tensor_outside_is_found_wherever_it_is(change: Callable[[onnx.ModelProto], object]) -> None:
    with pytest.raises(
        FormatError, match=r"^keeps tensors in a file beside it \(external data\); save it with"
    ):
        ONNX.check(model(change))


@pytest.mark.parametrize(
    "change",
    [
        lambda made: setattr(made.graph.input[0], "name", "location"),
        lambda made: made.metadata_props.add(key="location", value="substation 7"),
        lambda made: made.graph.initializer.append(TensorProto(name="location", dims=[0], data_type=1)),
        lambda made: made.graph.node[0].attribute.add(name="location", type=AttributeProto.STRING, s=b"x"),
    ],
    ids=["input", "property", "initializer", "attribute"],
)
def test_what_is_named_location_is_none(change: Callable[[onnx.ModelProto], object]) -> None:
    ONNX.check(model(change))


def test_a_model_that_is_cut_off_is_told() -> None:
    whole = model(PLACES["a sub-graph"])
    with pytest.raises(FormatError, match="cut off"):
        has_external_data(whole[: whole.index(b"location") + 8])


def test_the_table_has_every_message_of_onnx_that_leads_to_tensors() -> None:
    def inside(message: Any) -> dict[int, str]:
        fields = {field.number: field.message_type for field in message.fields if field.message_type}
        return {number: of.name for number, of in fields.items() if of.name in {"TensorProto", *FIELDS}}

    found, ahead = {}, [onnx.ModelProto.DESCRIPTOR]
    while ahead:
        message = ahead.pop()
        if message.name in found or message.name == "TensorProto":
            continue
        found[message.name] = inside(message)
        ahead += [field.message_type for field in message.fields if field.message_type]
    leads = {name: fields for name, fields in found.items() if fields}
    assert leads == {name: dict(fields) for name, fields in FIELDS.items()}
