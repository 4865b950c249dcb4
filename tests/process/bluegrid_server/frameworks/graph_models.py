"""Keras and TensorFlow models of many kinds.

Each case builds a model, saves it, loads it as a pod does, asks it by requests of the protocol, and compares
with what the framework itself answers. TensorFlow takes seconds to import and changes the process, so one
process runs all cases.
"""

from __future__ import annotations

import os
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bluegrid_registry import ModelType
from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.supported import loader_of
from bluegrid_server.models.trial import try_out
from bluegrid_server.protocol.tensors import datatype_of
from tests.support.model_requests import infer

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.model import Model

    Arrays = Mapping[str, NDArray[Any]]

CASES: dict[str, Callable[[Path], None]] = {}
WORDS = np.array([["cable"], ["overhead"]], dtype=object)
ROWS = np.array([[0.5, -1.0, 2.0], [1.0, 0.0, -0.25]], np.float32)


def case(function: Callable[[Path], None]) -> Callable[[Path], None]:
    CASES[function.__name__] = function
    return function


def loaded(model_type: str, path: Path, signature: str | None = None) -> Model:
    model = loader_of(ModelType.parse(model_type), signature=signature)(path)
    assert try_out(model) is None
    return model


def tensor(name: str, array: NDArray[Any]) -> dict[str, Any]:
    data = array.reshape(-1).tolist()
    return {"name": name, "shape": list(array.shape), "datatype": datatype_of(array), "data": data}


def answers(model: Model, inputs: Arrays) -> dict[str, Any]:
    """The served answer by name, each an array of its shape; the outputs are those of the metadata."""
    answer = infer(model, {"inputs": [tensor(name, array) for name, array in inputs.items()]})
    assert "outputs" in answer, answer
    assert [output["name"] for output in answer["outputs"]] == [spec.name for spec in model.outputs]
    return {output["name"]: np.reshape(output["data"], output["shape"]) for output in answer["outputs"]}


def same(got: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(got), np.asarray(expected), rtol=1e-5, atol=1e-6)


def saved_keras(folder: Path, model: Any, suffix: str = "keras") -> Model:
    model.save(folder / f"m.{suffix}")
    return loaded(f"keras/{suffix}", folder / f"m.{suffix}")


def answers_as_keras(folder: Path, model: Any, inputs: Arrays, given: Any = None) -> Model:
    """Compare all outputs in their order; `given` is what Keras takes, if that is not the only input."""
    import keras

    served = saved_keras(folder, model)
    expected = keras.tree.flatten(model(next(iter(inputs.values())) if given is None else given))
    got = answers(served, inputs)
    assert len(got) == len(expected)
    for mine, theirs in zip(got.values(), expected, strict=True):
        same(mine, keras.ops.convert_to_numpy(keras.ops.cast(theirs, "float32")))
    return served


# Keras: inputs, outputs and their names


@case
def keras_nested_structures(folder: Path) -> None:
    import keras

    one, two, three = (keras.Input((size,)) for size in (1, 2, 3))
    joined = keras.layers.concatenate([one, two, three])
    dense = keras.layers.Dense
    outputs = {"quantiles": [dense(1)(joined), dense(2)(joined)], "mean": dense(1)(joined)}
    model = keras.Model({"weather": [one, two], "load": three}, outputs)
    given = {"weather": [ROWS[:, :1], ROWS[:, :2]], "load": ROWS}
    inputs = {"weather.0": ROWS[:, :1], "weather.1": ROWS[:, :2], "load": ROWS}
    served = answers_as_keras(folder, model, inputs, given)
    assert [spec.name for spec in served.outputs] == ["mean", "quantiles.0", "quantiles.1"]


@case
def keras_counted_names(folder: Path) -> None:
    import keras

    layers = keras.layers

    def built() -> Any:
        first, second = keras.Input((1,)), keras.Input((3,))
        return keras.Model([second, first], layers.Dense(1)(layers.concatenate([first, second])))

    for number in range(3):
        keras.Sequential([layers.Input((3,)), layers.Dense(1)])
        model = built()
        (folder / str(number)).mkdir()
        served = saved_keras(folder / str(number), model)
        assert [spec.name for spec in served.inputs] == ["input_layer_1", "input_layer"]
        assert [spec.name for spec in served.outputs] == ["dense"]
        inputs = {"input_layer_1": ROWS, "input_layer": ROWS[:, :1]}
        expected = model([ROWS, ROWS[:, :1]])
        same(answers(served, inputs)["dense"], expected)
        # The names in the file are taken too, and never for one another.
        names = [spec.aliases[0] if spec.aliases else spec.name for spec in served.inputs]
        if number:
            assert names != list(inputs)
        same(answers(served, dict(zip(names, inputs.values(), strict=True)))["dense"], expected)


@case
def keras_given_names(folder: Path) -> None:
    import keras

    row = keras.Input((3,), name="row_2")
    model = keras.Model(row, keras.layers.Dense(1, name="load_7")(row))
    served = answers_as_keras(folder, model, {"row_2": ROWS})
    assert served.outputs[0].name == "load_7"


@case
def keras_without_an_input_layer(folder: Path) -> None:
    import keras

    model = keras.Sequential([keras.layers.Dense(2), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.ones((32, 3)), np.ones(32), verbose=0)
    served = answers_as_keras(folder, model, {"input_layer": ROWS})
    assert served.inputs[0].shape == (-1, 3)


@case
def keras_optional_input(folder: Path) -> None:
    import keras

    row, extra = keras.Input((3,), name="row"), keras.Input((3,), name="extra", optional=True)
    model = keras.Model([row, extra], keras.layers.Dense(1, name="load")(row))
    served = saved_keras(folder, model)
    assert [spec.optional for spec in served.inputs] == [False, True]
    expected = model([ROWS, None])
    same(answers(served, {"row": ROWS})["load"], expected)
    same(answers(served, {"row": ROWS, "extra": ROWS})["load"], expected)
    assert "expected 'row', 'extra'" in infer(served, {"inputs": [tensor("extra", ROWS)]})["error"]


@case
def keras_windows(folder: Path) -> None:
    import keras

    layers = keras.layers
    window = np.random.default_rng(3).normal(size=(2, 96, 4)).astype(np.float32)
    window[:, 90:] = 0.0
    model = keras.Sequential(
        [layers.Input((96, 4), name="window"), layers.Masking(), layers.LSTM(4), layers.Dense(96)]
    )
    served = answers_as_keras(folder, model, {"window": window})
    assert (served.inputs[0].shape, served.outputs[0].shape) == ((-1, 96, 4), (-1, 96))
    steps = keras.Sequential([layers.Input((None, 4), name="window"), layers.LSTM(2, return_sequences=True)])
    answers_as_keras(folder, steps, {"window": window[:, :7]})


@case
def keras_stateful(folder: Path) -> None:
    import keras

    layers = keras.layers
    layer = layers.Bidirectional(layers.LSTM(3, stateful=True, return_sequences=True))
    model = keras.Sequential(
        [layers.Input(batch_shape=(2, 5, 4), name="window"), layer, layers.GRU(2, stateful=True)]
    )
    window = np.random.default_rng(3).normal(size=(2, 5, 4)).astype(np.float32)
    served = saved_keras(folder, model)
    expected = [model(window).numpy() for _ in range(2)]
    assert np.abs(expected[0] - expected[1]).max() > 0.01
    for _ in range(2):
        same(answers(served, {"window": window})["gru"], expected[0])
    assert served.inputs[0].shape == (2, 5, 4)


# Keras: words, categories, datatypes


@case
def keras_words(folder: Path) -> None:
    import keras

    layers = keras.layers
    kind, hour = keras.Input((1,), dtype="string", name="kind"), keras.Input((1,), name="hour", dtype="int64")
    weather = keras.Input((1,), name="weather")
    encoded = [
        layers.StringLookup(vocabulary=["cable", "overhead"], output_mode="one_hot")(kind),
        layers.CategoryEncoding(8, output_mode="one_hot")(layers.Hashing(8)(kind)),
        layers.IntegerLookup(vocabulary=[7, 8], output_mode="one_hot")(hour),
        layers.Discretization(bin_boundaries=[0.0, 1.0], output_mode="one_hot")(weather),
    ]
    normal = layers.Normalization()
    normal.adapt(ROWS[:, :1])
    joined = layers.concatenate([*encoded, normal(weather)])
    model = keras.Model([kind, hour, weather], layers.Dense(2, name="load")(joined))
    hours = np.array([[7], [9]])
    served = saved_keras(folder, model)
    import tensorflow as tf

    expected = model(list(map(tf.constant, (WORDS.tolist(), hours, ROWS[:, :1]))))
    same(answers(served, {"kind": WORDS, "hour": hours, "weather": ROWS[:, :1]})["load"], expected)


@case
def keras_labels(folder: Path) -> None:
    import keras

    layers = keras.layers
    code = keras.Input((1,), dtype="int64", name="code")
    words = layers.StringLookup(vocabulary=["ok", "trip"], invert=True, name="label")
    numbers = layers.IntegerLookup(vocabulary=[70, 80], invert=True, name="number")
    served = saved_keras(folder, keras.Model(code, [words(code), numbers(code)]))
    assert [(spec.name, spec.datatype) for spec in served.outputs] == [
        ("label", "BYTES"),
        ("number", "INT64"),
    ]
    got = answers(served, {"code": np.array([[1], [2]])})
    assert [each.tolist() for each in got.values()] == [[["ok"], ["trip"]], [[70], [80]]]


@case
def keras_declared_otherwise(folder: Path) -> None:
    import keras

    layers = keras.layers
    kind, text = (keras.Input((1,), dtype="string", name=name) for name in ("kind", "text"))
    encoded = layers.StringLookup(vocabulary=["cable", "overhead"], output_mode="multi_hot", name="kinds")(
        kind
    )
    words = layers.TextVectorization(output_mode="multi_hot", name="words")
    words.adapt(["cable overhead line"])
    model = keras.Model([kind, text], [encoded, words(text)])
    # What Keras declares, which is wrong: a later release may correct it.
    assert [(tensor.shape, tensor.dtype) for tensor in model.outputs] != [
        ((None, 3), "int64"),
        ((None, 4), "int64"),
    ]
    served = saved_keras(folder, model)
    got = answers(served, {"kind": WORDS, "text": WORDS})
    assert [(spec.shape, spec.datatype) for spec in served.outputs] == [
        ((-1, 3), "INT64"),
        ((-1, 4), "INT64"),
    ]
    assert [each.shape for each in got.values()] == [(2, 3), (2, 4)]
    assert got["kinds"].tolist() == [[0, 1, 0], [0, 0, 1]]


@case
def keras_text(folder: Path) -> None:
    import keras
    import tensorflow as tf

    layers = keras.layers
    text = layers.TextVectorization(output_mode="int", output_sequence_length=4)
    text.adapt(["line tripped", "cable fault at night"])
    note = keras.Input((1,), dtype="string", name="note")
    model = keras.Model(
        note, layers.Dense(1, name="risk")(layers.Flatten()(layers.Embedding(20, 2)(text(note))))
    )
    given = np.array([["cable tripped"], [""]], dtype=object)
    same(answers(saved_keras(folder, model), {"note": given})["risk"], model(tf.constant(given.tolist())))


@case
def keras_policies(folder: Path) -> None:
    import keras

    layers = keras.layers
    datatypes = {"mixed_bfloat16": "FP32", "float16": "FP16", "mixed_float16": "FP16", "float64": "FP64"}
    for policy, datatype in datatypes.items():
        model = keras.Sequential(
            [layers.Input((3,), name="x"), layers.Dense(2, dtype=policy), layers.Dense(1, dtype=policy)]
        )
        served = answers_as_keras(folder, model, {"x": ROWS})
        assert served.outputs[0].datatype == datatype
    narrow = keras.Sequential(
        [layers.Input((3,), name="x", dtype="bfloat16"), layers.Dense(1, dtype="bfloat16")]
    )
    served = answers_as_keras(folder, narrow, {"x": ROWS}, keras.ops.cast(ROWS, "bfloat16"))
    assert (served.inputs[0].datatype, served.outputs[0].datatype) == ("FP32", "FP32")


@case
def keras_h5(folder: Path) -> None:
    import keras

    model = keras.Sequential([keras.layers.Input((3,), name="x"), keras.layers.Dense(1, name="load")])
    same(answers(saved_keras(folder, model, "h5"), {"x": ROWS})["load"], model(ROWS))


@case
def keras_h5_with_a_mask(folder: Path) -> None:
    import keras

    window = keras.Input((5, 2), name="window")
    model = keras.Model(window, keras.layers.LSTM(2)(keras.layers.Masking()(window)))
    refused(
        "has the operation NotEqual of Keras (a mask has, for example), which Keras does not read from HDF5; "
        "save it as .keras, in a set of type keras/keras",
        lambda: saved_keras(folder, model, "h5"),
    )
    answers_as_keras(folder, model, {"window": np.ones((3, 5, 2), np.float32)})


@case
def keras_not_built(folder: Path) -> None:
    import keras

    refused(
        "has no inputs yet; before you save it",
        lambda: saved_keras(folder, keras.Sequential([keras.layers.Dense(1)])),
    )


def refused(message: str, load: Callable[[], object]) -> None:
    with pytest.raises(ModelError) as caught:
        load()
    assert message in str(caught.value)


def run_all() -> dict[str, str | None]:
    errors: dict[str, str | None] = {}
    for name, function in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            try:
                function(Path(folder))
                errors[name] = None
            # Any error is the result.
            except Exception:  # noqa: BLE001
                errors[name] = traceback.format_exc()
    return errors
