"""ONNX models whose inputs and outputs are sequences, optional, of any rank, or not numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import RandomForestRegressor

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.onnx.load import load
from tests.support.model_requests import infer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bluegrid_server.frameworks.onnx.load import OnnxModel

    Load = Callable[..., OnnxModel]

FLOAT, INT64, STRING, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING, TensorProto.BOOL
tensor = helper.make_tensor_value_info


@pytest.fixture
def load_graph(tmp_path: Path) -> Load:
    def loaded(
        nodes: Sequence[onnx.NodeProto],
        inputs: Sequence[onnx.ValueInfoProto],
        outputs: Sequence[onnx.ValueInfoProto],
        constants: Sequence[onnx.TensorProto] = (),
    ) -> OnnxModel:
        graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
        imports = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 3)]
        model = helper.make_model(graph, opset_imports=imports, ir_version=10)
        (tmp_path / "model").write_bytes(model.SerializeToString())
        return load(tmp_path / "model")

    return loaded


def sequence(name: str, shape: Sequence[Any] | None) -> onnx.ValueInfoProto:
    element = helper.make_tensor_type_proto(FLOAT, shape)
    return helper.make_value_info(name, helper.make_sequence_type_proto(element))


def optional(name: str, shape: Sequence[Any]) -> onnx.ValueInfoProto:
    element = helper.make_tensor_type_proto(FLOAT, shape)
    return helper.make_value_info(name, helper.make_optional_type_proto(element))


def request(name: str, data: Any, shape: Sequence[int], datatype: str = "FP32") -> dict[str, Any]:
    return {"inputs": [{"name": name, "shape": shape, "datatype": datatype, "data": data}]}


def outputs_of(model: OnnxModel, document: dict[str, Any]) -> list[Any]:
    answer = infer(model, document)
    assert "outputs" in answer, answer
    return [(output["shape"], output["data"]) for output in answer["outputs"]]


@pytest.mark.served("ONNX", "sequences of tensors: stacked if they have one shape, otherwise each an output")
def test_a_sequence_of_tensors_of_one_shape_is_stacked(load_graph: Load) -> None:
    node = helper.make_node("SequenceConstruct", ["x", "x"], ["pair"])
    model = load_graph([node], [tensor("x", FLOAT, [None, 2])], [sequence("pair", [None, 2])])
    assert model.outputs[0].shape == (-1, -1, 2)
    assert outputs_of(model, request("x", [1.0, 2.0], [1, 2])) == [([2, 1, 2], [1.0, 2.0, 1.0, 2.0])]


def test_tensors_of_several_shapes_are_outputs_of_their_own(load_graph: Load) -> None:
    nodes = [
        helper.make_node("Concat", ["x", "x"], ["twice"], axis=1),
        helper.make_node("SequenceConstruct", ["x", "twice"], ["pair"]),
    ]
    model = load_graph(nodes, [tensor("x", FLOAT, [None, 2])], [sequence("pair", None)])
    assert [(spec.name, spec.shape) for spec in model.outputs] == [("pair_0", (-1, 2)), ("pair_1", (-1, 4))]
    given = request("x", [1.0, 2.0], [1, 2])
    assert outputs_of(model, given) == [([1, 2], [1.0, 2.0]), ([1, 4], [1.0, 2.0, 1.0, 2.0])]


def test_tensors_whose_shapes_go_with_the_values_are_told(load_graph: Load) -> None:
    node = helper.make_node("SplitToSequence", ["x", "sizes"], ["parts"], axis=0)
    inputs = [tensor("x", FLOAT, [None]), tensor("sizes", INT64, [None])]
    model = load_graph([node], inputs, [sequence("parts", [None])])
    document = request("x", [1.0, 2.0, 3.0], [3])
    document["inputs"] += request("sizes", [1, 2], [2], "INT64")["inputs"]
    answer = infer(model, document)
    assert "output 'parts' is a sequence of tensors of one shape, got shapes [1], [2]" in answer["error"]


def test_a_sequence_is_taken_as_a_tensor_of_one_dimension_more(load_graph: Load) -> None:
    node = helper.make_node("ConcatFromSequence", ["parts"], ["y"], axis=0)
    model = load_graph([node], [sequence("parts", [None, 2])], [tensor("y", FLOAT, [None, 2])])
    assert model.inputs[0].shape == (-1, -1, 2)
    given = request("parts", [1.0, 2.0, 3.0, 4.0], [2, 1, 2])
    assert outputs_of(model, given) == [([2, 2], [1.0, 2.0, 3.0, 4.0])]


@pytest.mark.served("ONNX", "`optional` tensors")
def test_an_optional_tensor_is_a_tensor(load_graph: Load) -> None:
    node = helper.make_node("OptionalGetElement", ["x"], ["y"])
    model = load_graph([node], [optional("x", [None, 2])], [tensor("y", FLOAT, [None, 2])])
    assert outputs_of(model, request("x", [1.0, 2.0], [1, 2])) == [([1, 2], [1.0, 2.0])]
    node = helper.make_node("Optional", ["x"], ["y"])
    model = load_graph([node], [tensor("x", FLOAT, [None, 2])], [optional("y", [None, 2])])
    assert outputs_of(model, request("x", [1.0, 2.0], [1, 2])) == [([1, 2], [1.0, 2.0])]


@pytest.mark.served("ONNX", "`optional` inputs that a request leaves out")
def test_an_optional_input_can_be_left_out(load_graph: Load) -> None:
    value = helper.make_value_info("t", optional("x", [None, 2]).type.optional_type.elem_type)
    given = helper.make_graph([helper.make_node("OptionalGetElement", ["x"], ["t"])], "given", [], [value])
    value = helper.make_value_info("e", value.type)
    absent = helper.make_graph([helper.make_node("Identity", ["z"], ["e"])], "absent", [], [value])
    model = load_graph(
        [
            helper.make_node("OptionalHasElement", ["x"], ["is_given"]),
            helper.make_node("If", ["is_given"], ["y"], then_branch=given, else_branch=absent),
        ],
        [optional("x", [None, 2]), tensor("z", FLOAT, [None, 2])],
        [tensor("y", FLOAT, [None, 2])],
    )
    assert [spec.optional for spec in model.inputs] == [True, False]
    (x,), (z,) = (request(name, [value] * 2, [1, 2])["inputs"] for name, value in (("x", 1.0), ("z", 2.0)))
    assert outputs_of(model, {"inputs": [z]}) == [([1, 2], [2.0, 2.0])]
    assert outputs_of(model, {"inputs": [z, x]}) == [([1, 2], [1.0, 1.0])]


def test_an_optional_without_a_value_is_told(load_graph: Load) -> None:
    kind = optional("y", [None, 2]).type.optional_type.elem_type
    node = helper.make_node("Optional", [], ["y"], type=kind)
    model = load_graph(
        [node, helper.make_node("Identity", ["x"], ["z"])],
        [tensor("x", FLOAT, [None, 2])],
        [optional("y", [None, 2]), tensor("z", FLOAT, [None, 2])],
    )
    answer = infer(model, request("x", [1.0, 2.0], [1, 2]))
    assert "output 'y' is an optional without a value" in answer["error"]


@pytest.mark.served("ONNX", "inputs and outputs of any number of dimensions")
@pytest.mark.parametrize("shape", [[], [2], [1, 2], [1, 1, 2]])
def test_a_request_decides_on_any_rank(load_graph: Load, shape: list[int]) -> None:
    node = helper.make_node("Abs", ["x"], ["y"])
    model = load_graph([node], [tensor("x", FLOAT, None)], [tensor("y", FLOAT, None)])
    data = [-1.0, 2.0][: max(1, shape[-1] if shape else 1)]
    assert outputs_of(model, request("x", data, shape)) == [(shape, [abs(each) for each in data])]


def test_a_scalar_is_not_of_any_rank(load_graph: Load) -> None:
    model = load_graph(
        [helper.make_node("Abs", ["x"], ["y"])], [tensor("x", FLOAT, [])], [tensor("y", FLOAT, [])]
    )
    assert model.inputs[0].shape == ()
    assert outputs_of(model, request("x", [-1.0], [])) == [([], [1.0])]
    assert "expected shape []" in infer(model, request("x", [-1.0], [1]))["error"]


@pytest.mark.served("ONNX", "every datatype of the protocol")
@pytest.mark.parametrize(
    ("element", "datatype", "data"),
    [
        (TensorProto.UINT8, "UINT8", [0, 255]),
        (TensorProto.INT8, "INT8", [-128, 127]),
        (BOOL, "BOOL", [True, False]),
        (STRING, "BYTES", ["low", "高"]),
        (TensorProto.FLOAT16, "FP16", [0.5, -2.0]),
        (TensorProto.DOUBLE, "FP64", [0.1, 1e300]),
        (TensorProto.UINT64, "UINT64", [0, 2**64 - 1]),
    ],
)
def test_every_datatype_of_the_protocol_goes_in_and_comes_out(
    load_graph: Load, element: int, datatype: str, data: list[Any]
) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    model = load_graph([node], [tensor("x", element, [None])], [tensor("y", element, [None])])
    assert [(spec.datatype, spec.shape) for spec in (*model.inputs, *model.outputs)] == [
        (datatype, (-1,))
    ] * 2
    assert outputs_of(model, request("x", data, [2], datatype)) == [([2], data)]


@pytest.mark.not_served("ONNX", "FP8, INT4 and complex inputs and outputs", "cast them to float in the graph")
def test_a_datatype_that_the_protocol_does_not_have_is_refused(load_graph: Load) -> None:
    narrow = tensor("x", TensorProto.FLOAT8E4M3FN, [2])
    with pytest.raises(
        ModelError, match=r"^has an input 'x' of type tensor\(.*cast it to float in the graph"
    ):
        load_graph([helper.make_node("Cast", ["x"], ["y"], to=FLOAT)], [narrow], [tensor("y", FLOAT, [2])])


@pytest.mark.not_served(
    "ONNX", "a map of features whose keys the graph does not name (`CastMap`)", "export it with a tensor"
)
def test_a_map_that_no_node_names_the_keys_of_is_refused(load_graph: Load) -> None:
    value = helper.make_tensor_type_proto(FLOAT, [])
    row = helper.make_value_info("row", helper.make_map_type_proto(INT64, value))
    node = helper.make_node("CastMap", ["row"], ["y"], domain="ai.onnx.ml")
    with pytest.raises(ModelError, match=r"^has an input 'row' of type map\(.*keys the graph does not name"):
        load_graph([node], [row], [tensor("y", FLOAT, [1, None])])


@pytest.mark.parametrize("place", ["input", "node", "initializer", "output"])
def test_what_is_named_location_is_no_external_data(load_graph: Load, place: str) -> None:
    names = {each: "location" if each == place else each for each in ("input", "initializer", "output")}
    node = helper.make_node("Add", [names["input"], names["initializer"]], [names["output"]])
    node.name = "location" if place == "node" else ""
    constant = helper.make_tensor(names["initializer"], FLOAT, [1], [1.0])
    model = load_graph(
        [node], [tensor(names["input"], FLOAT, [None])], [tensor(names["output"], FLOAT, [None])], [constant]
    )
    assert outputs_of(model, request(names["input"], [1.0], [1])) == [([1], [2.0])]


@pytest.mark.served("ONNX", "missing values, where the graph handles NaN")
def test_a_missing_value_goes_through(load_graph: Load) -> None:
    model = load_graph(
        [helper.make_node("IsNaN", ["x"], ["y"])], [tensor("x", FLOAT, [None])], [tensor("y", BOOL, [None])]
    )
    assert model.predict({"x": np.array([np.nan, 1.0], np.float32)})["y"].tolist() == [True, False]


def test_labels_of_any_rows_that_are_declared_as_one_are_of_any_rows(load_graph: Load) -> None:
    model = load_graph(
        [
            helper.make_node("ReduceSum", ["x", "last"], ["label"], keepdims=0),
            helper.make_node("ReduceSum", ["x"], ["total"], keepdims=0),
        ],
        [tensor("x", FLOAT, [None, 2])],
        [tensor("label", FLOAT, [1]), tensor("total", FLOAT, [])],
        [helper.make_tensor("last", INT64, [1], [1])],
    )
    assert [spec.shape for spec in model.outputs] == [(-1,), ()]


def test_a_forest_has_all_of_its_outputs_which_its_converter_declares_as_one(tmp_path: Path) -> None:
    rows = np.random.default_rng(7).normal(size=(20, 2))
    forest = RandomForestRegressor(2).fit(rows, rows[:, :1] * np.linspace(0.5, 1.5, 96))
    graph = convert_sklearn(forest, initial_types=[("x", FloatTensorType([None, 2]))])
    assert graph.graph.output[0].type.tensor_type.shape.dim[1].dim_value == 1
    (tmp_path / "model").write_bytes(graph.SerializeToString())
    assert load(tmp_path / "model").outputs[0].shape == (-1, 96)


def test_a_graph_that_refuses_made_rows_keeps_the_shapes_that_it_declares(load_graph: Load) -> None:
    (weights,) = [helper.make_tensor("w", FLOAT, [1], [2.0])]
    model = load_graph(
        [helper.make_node("Gather", ["w", "x"], ["y"])],
        [tensor("x", INT64, [None])],
        [tensor("y", FLOAT, [1])],
        [weights],
    )
    assert model.outputs[0].shape == (1,)
    assert outputs_of(model, request("x", [0], [1], "INT64")) == [([1], [2.0])]
