"""Lists of maps become tensors of probabilities with classes, wherever a ZipMap stands; BF16 becomes FP32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn, to_onnx
from skl2onnx.common.data_types import StringTensorType
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.onnx.load import load
from bluegrid_server.frameworks.onnx.rewritten import rewritten
from tests.support.model_requests import infer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.onnx.load import OnnxModel

X = np.random.default_rng(7).normal(size=(60, 3))
LEVELS = np.digitize(X @ [1.0, -2.0, 0.5], [-1.0, 1.0])
LABELS = {
    "binary": (LEVELS > 0).astype(np.int64),
    "several": LEVELS - 1,
    "words": np.array(["低", "ok", "trip"])[LEVELS],
}
ESTIMATORS = {
    "linear": LogisticRegression(),
    "forest": RandomForestClassifier(5, random_state=0),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
}


@pytest.fixture
def load_model(tmp_path: Path) -> Callable[[onnx.ModelProto], OnnxModel]:
    def loaded(model: onnx.ModelProto) -> OnnxModel:
        (tmp_path / "model").write_bytes(model.SerializeToString())
        return load(tmp_path / "model")

    return loaded


def maps_of(model: onnx.ModelProto, output: str, feeds: dict[str, NDArray[Any]]) -> list[dict[Any, float]]:
    """What ONNX Runtime itself answers, without bluegrid."""
    (rows,) = onnxruntime.InferenceSession(model.SerializeToString()).run([output], feeds)
    return list(rows)


@pytest.mark.served("ONNX", "classifiers exported by default (ZipMap): label, probabilities, their classes")
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
def test_a_default_export_gives_the_probabilities_of_its_maps(
    estimator: Any, labels: NDArray[Any], load_model: Callable[[onnx.ModelProto], OnnxModel]
) -> None:
    exported = to_onnx(estimator.fit(X, labels), X[:1].astype(np.float32))
    model = load_model(exported)
    label, probability = model.outputs
    assert (label.name, probability.name) == ("output_label", "output_probability")
    assert probability.shape == (-1, len(estimator.classes_))
    assert probability.classes == tuple(estimator.classes_.tolist())
    rows = X.astype(np.float32)
    got = model.predict({"X": rows})
    assert got["output_label"].tolist() == estimator.predict(X).tolist()
    maps = maps_of(exported, "output_probability", {"X": rows})
    assert got["output_probability"].tolist() == [[row[each] for each in probability.classes] for row in maps]
    assert got["output_probability"] == pytest.approx(estimator.predict_proba(X), abs=1e-5)


def zipmap(given: str, taken: str, labels: Sequence[Any]) -> onnx.NodeProto:
    kind = "strings" if isinstance(labels[0], str) else "int64s"
    attributes: dict[str, Any] = {f"classlabels_{kind}": labels}
    return helper.make_node("ZipMap", [given], [taken], domain="ai.onnx.ml", **attributes)


def maps(name: str, key: int = TensorProto.INT64) -> onnx.ValueInfoProto:
    value = helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    return helper.make_value_info(
        name, helper.make_sequence_type_proto(helper.make_map_type_proto(key, value))
    )


def floats(name: str, shape: Sequence[Any] = (None, 2)) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def model_of(
    nodes: Sequence[onnx.NodeProto],
    outputs: Sequence[onnx.ValueInfoProto],
    inputs: Sequence[onnx.ValueInfoProto] = (floats("x"),),
    functions: Sequence[onnx.FunctionProto] = (),
) -> onnx.ModelProto:
    imports = [("", 17), ("ai.onnx.ml", 3), *([("own", 1)] if functions else [])]
    return helper.make_model(
        helper.make_graph(nodes, "g", inputs, outputs),
        opset_imports=[helper.make_opsetid(*each) for each in imports],
        ir_version=8,
        functions=functions,
    )


def in_a_function() -> onnx.ModelProto:
    imports = [helper.make_opsetid("ai.onnx.ml", 3)]
    function = helper.make_function("own", "Zipped", ["a"], ["b"], [zipmap("a", "b", [4, 2])], imports)
    return model_of(
        [helper.make_node("Zipped", ["x"], ["p"], domain="own")], [maps("p")], functions=[function]
    )


def without_operators_of_onnx() -> onnx.ModelProto:
    model = model_of([zipmap("x", "p", [4, 2])], [maps("p")])
    del model.opset_import[0]
    return model


PLACES = {
    "the graph": model_of([zipmap("x", "p", [4, 2])], [maps("p")]),
    "a function": in_a_function(),
    "without operators of ONNX": without_operators_of_onnx(),
    "beside its tensor": model_of(
        [helper.make_node("Abs", ["x"], ["a"]), zipmap("a", "p", [4, 2])], [floats("a"), maps("p")]
    ),
    "beside another": model_of(
        [zipmap("x", "p", [4, 2]), zipmap("x", "q", ["a", "b"])], [maps("p"), maps("q", TensorProto.STRING)]
    ),
}


@pytest.mark.parametrize("made", PLACES.values(), ids=PLACES)
def test_a_zipmap_is_unwrapped_wherever_it_stands(
    made: onnx.ModelProto, load_model: Callable[[onnx.ModelProto], OnnxModel]
) -> None:
    inputs: dict[str, NDArray[Any]] = {"x": np.array([[0.25, 0.75], [1.0, 0.0]], np.float32)}
    model = load_model(made)
    got = model.predict(inputs)
    lists = [spec for spec in model.outputs if spec.classes]
    assert lists
    for spec in lists:
        rows = maps_of(made, spec.name, inputs)
        assert got[spec.name].tolist() == [[row[label] for label in spec.classes] for row in rows]


def test_packed_and_negative_classes_are_read(load_model: Callable[[onnx.ModelProto], OnnxModel]) -> None:
    model = model_of([zipmap("x", "p", [-1, 2**40])], [maps("p")])
    assert load_model(model).outputs[0].classes == (-1, 2**40)
    data = model.SerializeToString()
    numbers = b"\x40" + b"\xff" * 9 + b"\x01" + b"\x40" + b"\x80" * 5 + b"\x20"
    packed = b"\x42" + bytes([len(numbers) - 2]) + numbers.replace(b"\x40", b"")
    assert data.count(numbers) == 1
    assert len(packed) == len(numbers)
    assert rewritten(data.replace(numbers, packed)).keys == {"p": (-1, 2**40)}


@pytest.mark.served("ONNX", "classifiers of several outputs, exported by default")
def test_probabilities_of_several_outputs_that_no_map_holds_are_a_tensor(
    load_model: Callable[[onnx.ModelProto], OnnxModel],
) -> None:
    pairs = np.c_[LEVELS > 0, LEVELS > 1].astype(np.int64)
    estimator = RandomForestClassifier(5, random_state=0).fit(X, pairs)
    got = load_model(to_onnx(estimator, X[:1].astype(np.float32))).predict({"X": X.astype(np.float32)})
    assert got["output_probability"] == pytest.approx(np.array(estimator.predict_proba(X)), abs=1e-5)


@pytest.mark.served("ONNX", "a map of features (`DictVectorizer`), as columns")
@pytest.mark.parametrize("features", [("wind", "日照"), (3, -4)], ids=["words", "integers"])
def test_a_map_of_features_is_a_row_of_named_columns(
    features: tuple[Any, ...], load_model: Callable[[onnx.ModelProto], OnnxModel]
) -> None:
    is_text = isinstance(features[0], str)
    vocabulary: dict[str, Any] = {"string_vocabulary" if is_text else "int64_vocabulary": features}
    row = helper.make_map_type_proto(
        TensorProto.STRING if is_text else TensorProto.INT64,
        helper.make_tensor_type_proto(TensorProto.FLOAT, []),
    )
    nodes = [
        helper.make_node("DictVectorizer", ["row"], ["x"], domain="ai.onnx.ml", **vocabulary),
        helper.make_node("Neg", ["x"], ["y"]),
    ]
    made = model_of(nodes, [floats("y")], [helper.make_value_info("row", row)])
    model = load_model(made)
    (spec,) = model.inputs
    assert (spec.shape, spec.datatype, spec.columns) == ((-1, 2), "FP32", tuple(map(str, features)))
    session = onnxruntime.InferenceSession(made.SerializeToString())
    rows = [[1.5, 2.0], [0.0, 4.0]]
    expected = [
        session.run(None, {"row": dict(zip(features, each, strict=True))})[0][0].tolist() for each in rows
    ]
    assert model.predict({"row": np.array(rows, np.float32)})["y"].tolist() == expected


def test_a_model_without_maps_stays_as_it_is() -> None:
    data = to_onnx(LogisticRegression().fit(X, LEVELS), X[:1], options={"zipmap": False}).SerializeToString()
    assert rewritten(data).model is data


@pytest.mark.served("ONNX", "BF16 inputs and outputs, as FP32")
def test_bf16_is_taken_and_given_as_fp32(load_model: Callable[[onnx.ModelProto], OnnxModel]) -> None:
    narrow = [helper.make_tensor_value_info(name, TensorProto.BFLOAT16, [None, 2]) for name in ("x", "y")]
    nodes = [helper.make_node("Identity", ["x"], ["y"]), helper.make_node("Cast", ["x"], ["z"], to=1)]
    model = load_model(model_of(nodes, [narrow[1], floats("z")], narrow[:1]))
    assert [(spec.name, spec.shape, spec.datatype) for spec in (*model.inputs, *model.outputs)] == [
        (name, (-1, 2), "FP32") for name in "xyz"
    ]
    tensor = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.0, 3.14159]}
    outputs = infer(model, {"inputs": [tensor]})["outputs"]
    # The nearest numbers with 8 bits of significand.
    assert [output["data"] for output in outputs] == [[1.0, 3.140625]] * 2


def normalizer(**attributes: Any) -> onnx.ModelProto:
    """Lower case in a function, upper case outside of it."""
    kind = helper.make_tensor_value_info
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    lower = helper.make_node("StringNormalizer", ["a"], ["b"], case_change_action="LOWER", **attributes)
    upper = helper.make_node("StringNormalizer", ["x"], ["upper"], case_change_action="UPPER", **attributes)
    function = helper.make_function("own", "Lower", ["a"], ["b"], [lower], imports[:1])
    nodes = [helper.make_node("Lower", ["x"], ["lower"], domain="own"), upper]
    outputs = [kind(name, TensorProto.STRING, [None]) for name in ("lower", "upper")]
    graph = helper.make_graph(nodes, "g", [kind("x", TensorProto.STRING, [None])], outputs)
    return helper.make_model(graph, opset_imports=imports, ir_version=9, functions=[function])


@pytest.mark.served("ONNX", "pipelines of texts, which skl2onnx exports with a locale that images lack")
@pytest.mark.parametrize(
    ("attributes", "lower", "upper"),
    [
        ({}, ["éa", "süd"], ["ÉA", "SÜD"]),
        ({"locale": "en_US"}, ["éa", "süd"], ["ÉA", "SÜD"]),
        ({"locale": "en_US.UTF-8"}, ["éa", "süd"], ["ÉA", "SÜD"]),
        ({"locale": "C"}, ["Éa", "süd"], ["ÉA", "SüD"]),
    ],
    ids=["default", "en_US", "en_US.UTF-8", "C"],
)
def test_words_change_their_case_without_an_english_locale(
    load_model: Callable[[onnx.ModelProto], OnnxModel],
    attributes: dict[str, str],
    lower: list[str],
    upper: list[str],
) -> None:
    model = load_model(normalizer(**attributes))
    request = {"inputs": [{"name": "x", "shape": [2], "datatype": "BYTES", "data": ["Éa", "Süd"]}]}
    assert [output["data"] for output in infer(model, request)["outputs"]] == [lower, upper]


def test_a_pipeline_of_texts_answers_as_scikit_learn(
    load_model: Callable[[onnx.ModelProto], OnnxModel],
) -> None:
    texts = ["line Trip", "all ok", "Transformer trip", "ok line"] * 3
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, ["trip", "ok"] * 6)
    exported = convert_sklearn(pipeline, initial_types=[("text", StringTensorType([None, 1]))])
    request = {"inputs": [{"name": "text", "shape": [4, 1], "datatype": "BYTES", "data": texts[:4]}]}
    label, probability = infer(load_model(exported), request)["outputs"]
    assert label["data"] == pipeline.predict(texts[:4]).tolist()
    expected = pipeline.predict_proba(texts[:4]).reshape(-1)
    np.testing.assert_allclose(probability["data"], expected, atol=1e-5)


def test_another_locale_that_the_machine_lacks_is_named(
    load_model: Callable[[onnx.ModelProto], OnnxModel],
) -> None:
    with pytest.raises(
        ModelError, match=r"as in the locale xx_XX\.UTF-8, which this image does not have; export"
    ):
        load_model(normalizer(locale="xx_XX.UTF-8"))
