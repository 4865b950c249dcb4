"""Trains models for servers: `python -m tests.process.bluegrid_server.frameworks.training KIND FOLDER`.

KIND is `tensorflow` or `spark`, which change the process that imports them, so this is a separate process.
Each set has a folder with its models in `models`, and in `expected.json` their answers to ROWS by UID,
computed by the framework itself.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROWS = [[0.5, -1.0, 2.0], [1.0, 0.0, -0.25]]
Expected = dict[str, dict[str, Any]]


def _data() -> tuple[Any, Any]:
    random = np.random.default_rng(118)
    x = random.normal(size=(60, 3))
    return x, x @ [1.0, -2.0, 0.5] + 3.0


def _dense() -> Any:
    import keras

    x, y = _data()
    model = keras.Sequential(
        [keras.layers.Input((3,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1, name="loading")]
    )
    model.compile("adam", "mse")
    model.fit(x, y, epochs=2, verbose=0)
    return model


def _write_expected(folder: Path, name: str, expected: Expected) -> None:
    (folder / name / "expected.json").write_text(json.dumps(expected))


def _new(folder: Path, name: str) -> Path:
    models = folder / name / "models"
    models.mkdir(parents=True)
    return models


def train_tensorflow(folder: Path) -> None:
    """Train a Keras model in three formats; graphs with two inputs, with Python code, with a file."""
    import keras
    import tensorflow as tf

    model = _dense()
    answers = model.predict(np.array(ROWS), verbose=0).tolist()
    for suffix in ("keras", "h5"):
        model.save(_new(folder, suffix) / f"m1.{suffix}")
        _write_expected(folder, suffix, {"m1": {"loading": answers}})

    _shapes_of_keras(folder)
    saved = _new(folder, "savedmodel")
    model.export(saved / "m1.savedmodel", verbose=False)
    taken = [tf.TensorSpec([None, 3], tf.float32, "x"), tf.TensorSpec([None], tf.int64, "hour")]
    pair = tf.Module()
    pair.serve = tf.function(
        lambda x, hour: {"load": tf.reduce_sum(x, axis=1), "next_hour": hour + 1}, input_signature=taken
    )
    tf.saved_model.save(pair, saved / "m2.savedmodel", signatures={"serving_default": pair.serve})
    _write_expected(folder, "savedmodel", {"m1": {"output_0": answers}, "m3": {"load": [1.5, 0.75]}})
    total = tf.Module()
    total.sum = tf.function(lambda x: {"load": tf.reduce_sum(x, axis=1)}, input_signature=taken[:1])
    tf.saved_model.save(total, saved / "m3.savedmodel", signatures={"forecast": total.sum})
    total.largest = tf.function(lambda x: {"load": tf.reduce_max(x, axis=1)}, input_signature=taken[:1])
    signatures = {"forecast": total.sum, "worst": total.largest}
    tf.saved_model.save(total, _new(folder, "two-signatures") / "m1.savedmodel", signatures=signatures)

    layers = [keras.layers.Input((3,)), keras.layers.Lambda(lambda x: x * 2)]
    keras.Sequential(layers).save(_new(folder, "lambda") / "m1.keras")
    own = type("Own", (keras.layers.Layer,), {"call": lambda _, x: x})
    for suffix in ("keras", "h5"):
        named = _new(folder, f"own-{suffix}") / f"m1.{suffix}"
        keras.Sequential([keras.layers.Input((3,)), own()]).save(named)
    into = _new(folder, "file-reader") / "m1.savedmodel"
    # It reads a file that does not exist.
    mark = tf.constant(str(folder / "mark"))
    reader = tf.Module()
    reader.serve = tf.function(lambda: {"data": tf.io.read_file(mark)}, input_signature=[])
    tf.saved_model.save(reader, into, signatures={"serving_default": reader.serve})


def _shapes_of_keras(folder: Path) -> None:
    """Write models with several inputs or outputs, of one layer or in a dict; and a model without a shape."""
    import keras

    random = np.random.default_rng(7)
    models, expected = _new(folder, "shapes"), {}
    dense, inputs = keras.layers.Dense, keras.layers.Input

    series = inputs((4, 2), name="series")
    states = keras.layers.LSTM(3, return_state=True, name="memory")(series)
    keras.Model(series, states).save(models / "states.keras")
    x = random.normal(size=(2, 4, 2)).astype("float32")
    answers = keras.models.load_model(models / "states.keras").predict(x, verbose=0)
    names = ("memory", "memory_1", "memory_2")
    expected["states"] = {name: each.tolist() for name, each in zip(names, answers, strict=True)}
    expected["states"]["inputs"] = {"series": x.tolist()}

    # The names are not in alphabetical order.
    given = {"weather": inputs((2,), name="in_1"), "calendar": inputs((1,), name="in_2")}
    joined = keras.layers.concatenate([given["weather"], given["calendar"] * 10.0])
    taken = {"upper": dense(1, name="a")(joined), "lower": dense(1, name="b")(joined)}
    keras.Model(given, taken).save(models / "dict.keras")
    columns = {"weather": random.normal(size=(2, 2)), "calendar": random.normal(size=(2, 1))}
    columns = {name: values.astype("float32") for name, values in columns.items()}
    answers = keras.models.load_model(models / "dict.keras").predict(columns, verbose=0)
    expected["dict"] = {name: answers[name].tolist() for name in taken}
    expected["dict"]["inputs"] = {name: values.tolist() for name, values in columns.items()}

    # The first number for a second output of `load` is taken by another name.
    row, load = inputs((3,), name="row"), dense(1, name="load")
    keras.Model(row, [dense(1, name="load_2")(row), load(row), load(row * 2.0)]).save(
        models / "numbered.keras"
    )
    x = random.normal(size=(2, 3)).astype("float32")
    answers = keras.models.load_model(models / "numbered.keras").predict(x, verbose=0)
    names = ("load_2", "load", "load_1")
    expected["numbered"] = {name: each.tolist() for name, each in zip(names, answers, strict=True)}
    expected["numbered"]["inputs"] = {"row": x.tolist()}

    fitted = keras.Sequential([dense(3, "relu"), dense(1, name="load")])
    fitted.compile("adam", "mse")
    x, y = _data()
    fitted.fit(x.astype("float32")[:32], y[:32], epochs=1, verbose=0)
    fitted.save(models / "fitted.keras")
    row = x.astype("float32")[:1]
    expected["fitted"] = {"load": fitted.predict(row, verbose=0).tolist(), "inputs": {"": row.tolist()}}
    _write_expected(folder, "shapes", expected)


def train_spark(folder: Path) -> None:
    """Train a regression on named columns, and a classification on a vector."""
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.regression import LinearRegression
    from pyspark.sql import SparkSession

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    x, y = _data()
    builder = SparkSession.builder.master("local[1]")
    session = builder.config("spark.ui.enabled", "false").getOrCreate()
    columns = ["flow", "tap", "hour"]
    rows = [(*map(float, row), float(value), float(value > 3)) for row, value in zip(x, y, strict=True)]
    table = session.createDataFrame(rows, [*columns, "y", "overloaded"])
    assembler = VectorAssembler(inputCols=columns, outputCol="features")
    asked = session.createDataFrame(ROWS, columns)
    models = _new(folder, "spark")
    expected: Expected = {}
    regression = Pipeline(stages=[assembler, LinearRegression(labelCol="y")]).fit(table)
    regression.write().save((models / "m1.spark").as_uri())
    expected["m1"] = {"prediction": [row.prediction for row in regression.transform(asked).collect()]}
    features = assembler.transform(table)
    classifier = Pipeline(stages=[LogisticRegression(labelCol="overloaded", maxIter=5)]).fit(features)
    classifier.write().save((models / "m2.spark").as_uri())
    answers = classifier.transform(assembler.transform(asked)).collect()
    expected["m2"] = {
        "prediction": [row.prediction for row in answers],
        "probability": [row.probability.toArray().tolist() for row in answers],
    }
    session.stop()
    _write_expected(folder, "spark", expected)


if __name__ == "__main__":
    what, into = sys.argv[1:]
    {"tensorflow": train_tensorflow, "spark": train_spark}[what](Path(into))
