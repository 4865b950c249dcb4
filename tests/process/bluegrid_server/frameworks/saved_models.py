"""SavedModels of many kinds, as cases of `graph_models`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tests.process.bluegrid_server.frameworks.graph_models import ROWS, answers, case, loaded, refused, same

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bluegrid_server.frameworks.model import Model


def saved(folder: Path, spec: list[Any], function: Callable[..., Any]) -> Model:
    """A function as the signature `serving_default`."""
    import tensorflow as tf

    module = tf.Module()
    module.serve = tf.function(function, input_signature=spec)
    path = folder / "m"
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.serve})
    return loaded("tensorflow/savedmodel", path)


def two_functions() -> Any:
    import tensorflow as tf

    rows = tf.TensorSpec([None, 3], tf.float32, name="rows")
    module = tf.Module()
    module.forecast = tf.function(lambda rows: {"load": tf.reduce_sum(rows, axis=1)}, input_signature=[rows])
    module.worst = tf.function(lambda rows: tf.reduce_max(rows, axis=1), input_signature=[rows])
    return module


@case
def tensorflow_signature_of_the_set(folder: Path) -> None:
    import tensorflow as tf

    module, kind, path = two_functions(), "tensorflow/savedmodel", folder / "m"
    signatures = {"forecast": module.forecast, "worst": module.worst}
    tf.saved_model.save(module, str(path), signatures=signatures)
    same(answers(loaded(kind, path, "worst"), {"rows": ROWS})["output_0"], ROWS.max(axis=1))
    same(answers(loaded(kind, path, "forecast"), {"rows": ROWS})["load"], ROWS.sum(axis=1))
    refused("has no signature serving_default, only forecast, worst; name one", lambda: loaded(kind, path))
    message = "has no signature best, the set's `signature`, only forecast, worst; name one of them"
    refused(message, lambda: loaded(kind, path, "best"))


@case
def tensorflow_without_signatures(folder: Path) -> None:
    import tensorflow as tf

    module, kind = two_functions(), "tensorflow/savedmodel"
    tf.saved_model.save(module, str(folder / "two"))
    same(answers(loaded(kind, folder / "two", "worst"), {"rows": ROWS})["output_0"], ROWS.max(axis=1))
    refused("only forecast, worst; name one of them", lambda: loaded(kind, folder / "two"))
    del module.worst
    tf.saved_model.save(module, str(folder / "one"))
    same(answers(loaded(kind, folder / "one"), {"rows": ROWS})["load"], ROWS.sum(axis=1))
    tf.saved_model.save(tf.Module(), str(folder / "none"))
    refused(
        "has no signature serving_default, nor another one; export it with",
        lambda: loaded(kind, folder / "none"),
    )


@case
def tensorflow_dict_argument(folder: Path) -> None:
    import tensorflow as tf

    taken = {"load": tf.TensorSpec([None], tf.float32), "kind": tf.TensorSpec([None], tf.string)}
    module = tf.Module()
    module.serve = tf.function(
        lambda given, scale=2.0: {
            "scaled": [given["load"] * scale],
            "length": tf.strings.length(given["kind"]),
        },
        input_signature=[taken],
    )
    tf.saved_model.save(module, str(folder / "m"))
    inputs = {"load": ROWS[0], "kind": np.array(["a", "bb", "ccc"], dtype=object)}
    got = answers(loaded("tensorflow/savedmodel", folder / "m"), inputs)
    same(got["scaled.0"], ROWS[0] * 2)
    assert got["length"].tolist() == [1, 2, 3]


@case
def tensorflow_any_rank(folder: Path) -> None:
    import tensorflow as tf

    model = saved(folder, [tf.TensorSpec(None, tf.float32, name="x")], lambda x: {"y": x * 2.0})
    assert model.inputs[0].any_rank
    for array in (ROWS, ROWS[0], ROWS[:, None], np.array(3.0, np.float32)):
        got = answers(model, {"x": array})["y"]
        assert got.shape == array.shape
        same(got, array * 2)


@case
def tensorflow_bf16(folder: Path) -> None:
    import tensorflow as tf

    spec = [tf.TensorSpec([None, 3], tf.bfloat16, name="x")]
    model = saved(folder, spec, lambda x: {"y": x * 2, "z": tf.cast(x, tf.float32)})
    rows = tf.cast(ROWS + np.float32(0.1), tf.bfloat16)
    got = answers(model, {"x": ROWS + np.float32(0.1)})
    assert got["y"].astype(np.float32).tolist() == tf.cast(rows * 2, tf.float32).numpy().tolist()
    assert got["z"].astype(np.float32).tolist() == tf.cast(rows, tf.float32).numpy().tolist()


@case
def tensorflow_scalars_words_and_small_types(folder: Path) -> None:
    import tensorflow as tf

    spec = [
        tf.TensorSpec([], tf.float32, name="scale"),
        tf.TensorSpec([None], tf.string, name="word"),
        tf.TensorSpec([None], tf.bool, name="is_on"),
        tf.TensorSpec([None], tf.uint8, name="level"),
    ]

    def serve(scale: Any, word: Any, is_on: Any, level: Any) -> Any:
        return {
            "double": scale * 2.0,
            "upper": tf.strings.upper(word),
            "is_off": tf.logical_not(is_on),
            "next": level + 1,
        }

    inputs: dict[str, Any] = {
        "scale": np.array(1.5, np.float32),
        "word": np.array(["a", "高"], dtype=object),
        "is_on": np.array([True, False]),
        "level": np.array([1, 254], np.uint8),
    }
    got = answers(saved(folder, spec, serve), inputs)
    found = {name: each.tolist() for name, each in got.items()}
    assert found == {"double": 3.0, "upper": ["A", "高"], "is_off": [False, True], "next": [2, 255]}


@case
def tensorflow_nan_in_and_infinity_out(folder: Path) -> None:
    import tensorflow as tf

    model = saved(folder, [tf.TensorSpec([None], tf.float32, name="x")], lambda x: {"y": 1.0 / x})
    got = model.predict({"x": np.array([np.nan, 0.0, 2.0], np.float32)})["y"]
    assert got.tolist()[1:] == [np.inf, 0.5]
    assert np.isnan(got[0])


@case
def tensorflow_not_tensors(folder: Path) -> None:
    import tensorflow as tf

    spec = [tf.TensorSpec([None, None], tf.float32, name="x")]
    ragged = lambda: saved(folder, spec, lambda x: {"y": tf.RaggedTensor.from_tensor(x)})  # noqa: E731
    refused("takes or gives 'y' as a RaggedTensorSpec; take and give tensors in the signature", ragged)
    narrow = lambda: saved(folder, spec, lambda x: {"y": tf.complex(x, x)})  # noqa: E731
    refused("takes or gives 'y' as complex64, which the Open Inference Protocol does not have", narrow)
    nothing = lambda: saved(folder, [], lambda: {"y": tf.constant(1.0)})  # noqa: E731
    refused("takes no input", nothing)


@case
def tensorflow_exports_of_keras(folder: Path) -> None:
    import keras

    layers = keras.layers
    for number in range(11):
        keras.Input((3,))
        ins = [keras.Input((1,)), keras.Input((2,))]
        model = keras.Model(ins, layers.Dense(1)(layers.concatenate(ins)))
        if number not in (0, 10):
            continue
        model.export(folder / f"m{number}", verbose=False)
        served = loaded("tensorflow/savedmodel", folder / f"m{number}")
        assert [spec.name for spec in served.inputs] == ["input_layer", "input_layer_1"]
        got = answers(served, {"input_layer": ROWS[:, :1], "input_layer_1": ROWS[:, 1:]})
        same(got["output_0"], model([ROWS[:, :1], ROWS[:, 1:]]))


@case
def tensorflow_of_version_1(folder: Path) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 3], name="x")
        weights = v1.get_variable("w", [3, 1], initializer=v1.constant_initializer(0.5))
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, str(folder / "m"), {"x": x}, {"y": tf.matmul(x, weights)})
    got = answers(loaded("tensorflow/savedmodel", folder / "m"), {"x": ROWS})
    same(got["y"][:, 0], ROWS.sum(axis=1) * 0.5)
