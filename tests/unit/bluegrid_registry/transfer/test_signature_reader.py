"""A push records what the version's models have in common; a version based on another one has both's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnx import TensorProto, helper

from bluegrid_registry import (
    Manifest,
    SourceModel,
    Version,
    compare_versions,
    open_store,
    push,
    read_manifest,
)
from bluegrid_registry.formats.example import Example, RecordedExample
from bluegrid_registry.model_types.model_type import ModelType
from bluegrid_registry.model_types.signature import ModelSignature, TensorSignature

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import Store

JOBLIB = ModelType.parse("scikit-learn/joblib")
KERAS = ModelType.parse("keras/keras")
ONNX = ModelType.parse("onnx/onnx")


def tensor(name: str, shape: list[int], datatype: str = "FP64") -> dict[str, Any]:
    count = 1
    for size in shape:
        count *= size
    data = ["cable"] * count if datatype == "BYTES" else [1.5] * count
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def recorded(inputs: list[dict[str, Any]], outputs: list[dict[str, Any]]) -> RecordedExample:
    return RecordedExample.model_validate({"request": {"inputs": inputs}, "response": {"outputs": outputs}})


def day_ahead(features: int = 3) -> RecordedExample:
    inputs = [tensor("weather", [2, features]), tensor("kind", [2, 1], "BYTES")]
    return recorded(inputs, [tensor("load", [2, 96])])


def source(uid: str, *examples: Example | RecordedExample) -> SourceModel:
    return SourceModel(uid, f"model {uid}".encode(), examples)


def pushed(
    store: Store, version: str, *models: SourceModel, base: Version | None = None, of: ModelType = JOBLIB
) -> tuple[Version, Manifest]:
    row = push(store, "g1", version, list(models), model_type=of, base=base).row
    return row, read_manifest(store, "g1", version, row.manifest)


def test_the_signature_comes_from_recorded_examples(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    _, manifest = pushed(store, "v1", source("a", day_ahead(3), day_ahead(3)), source("b", day_ahead(4)))
    assert manifest.signature == ModelSignature.of(
        [
            TensorSignature(name="weather", datatype="FP64", shape=(-1, -1)),
            TensorSignature(name="kind", datatype="BYTES", shape=(-1, 1)),
        ],
        [TensorSignature(name="load", datatype="FP64", shape=(-1, 96))],
    )


def test_rows_of_the_short_form_are_x_where_models_have_no_names_of_their_own(tmp_path: Path) -> None:
    store, rows = open_store(tmp_path.as_uri()), Example(inputs=((1.0, 2.0),), outputs=(3.0,))
    _, manifest = pushed(store, "v1", source("a", rows))
    assert manifest.signature == ModelSignature.of(
        [TensorSignature(name="x", datatype="FP64", shape=(-1, 2))]
    )
    _, manifest = pushed(store, "v2", source("a", rows), of=KERAS)
    assert manifest.signature is None


def test_a_size_that_a_graph_leaves_open_is_not_that_of_an_example(tmp_path: Path) -> None:
    place = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", "window"])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", "window"])
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [place], [result])
    data = helper.make_model(graph).SerializeToString()
    example = recorded([tensor("x", [2, 96], "FP32")], [tensor("y", [2, 96], "FP32")])
    _, manifest = pushed(open_store(tmp_path.as_uri()), "v1", SourceModel("a", data, (example,)), of=ONNX)
    assert manifest.signature is not None
    inputs, outputs = manifest.signature.inputs, manifest.signature.outputs
    assert [*map(str, inputs), *map(str, outputs)] == ["x FP32 [n, n]", "y FP32 [n, n]"]


def test_a_size_that_a_converter_declares_wrongly_is_that_of_an_example(tmp_path: Path) -> None:
    place = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 2])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 1])
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [place], [result])
    data = helper.make_model(graph).SerializeToString()
    example = recorded([tensor("x", [2, 2], "FP32")], [tensor("y", [2, 96], "FP32")])
    _, manifest = pushed(open_store(tmp_path.as_uri()), "v1", SourceModel("a", data, (example,)), of=ONNX)
    assert manifest.signature is not None
    assert [*map(str, manifest.signature.outputs)] == ["y FP32 [n, 96]"]


def test_a_version_of_which_nothing_is_known_has_no_signature(tmp_path: Path) -> None:
    _, manifest = pushed(open_store(tmp_path.as_uri()), "v1", source("a"))
    assert manifest.signature is None
    assert manifest.format == "bluegrid-manifest/1"


def test_a_base_and_the_models_that_replace_its_own_have_one_signature(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    base, _ = pushed(store, "v1", source("a", day_ahead(3)), source("b", day_ahead(3)))
    same, manifest = pushed(store, "v2", source("a", day_ahead(3)), base=base)
    assert manifest.signature is not None
    assert compare_versions(store, "g1", base, same).breaking == ()
    wider, _ = pushed(store, "v3", source("a", day_ahead(4)), base=base)
    # One of two models has changed: its clients break.
    assert compare_versions(store, "g1", base, wider).breaking == (
        "input weather FP64 [n, 3] becomes weather FP64 [n, n]",
    )
    other, _ = pushed(store, "v4", source("a", day_ahead(4)), source("b", day_ahead(4)))
    assert compare_versions(store, "g1", base, other).breaking == (
        "input weather FP64 [n, 3] becomes weather FP64 [n, 4]",
    )


def test_a_base_whose_models_are_all_replaced_does_not_hide_what_breaks_its_clients(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    base, _ = pushed(store, "v1", source("a", day_ahead(3)), source("b", day_ahead(3)))
    retrained, _ = pushed(store, "v2", source("a", day_ahead(4)), source("b", day_ahead(4)), base=base)
    assert compare_versions(store, "g1", base, retrained).breaking == (
        "input weather FP64 [n, 3] becomes weather FP64 [n, 4]",
    )
