"""Keras 3 models, `.keras` and `.h5`, on TensorFlow.

Only sets of the platform hold them; layers of marshalled Python (Lambda) and classes from elsewhere are
refused all the same, by Keras' safe mode. Nothing is compiled: a model that answers needs no optimizer.
"""

from __future__ import annotations

import os
import re
import warnings
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry.errors import ModelError
from bluegrid_registry.model_types import writers
from bluegrid_server.frameworks.versions import check_writer, unreadable
from bluegrid_server.protocol.tensor_spec import TensorSpec
from bluegrid_server.protocol.tensors import DATATYPES

os.environ["KERAS_BACKEND"] = "tensorflow"

from bluegrid_server.frameworks.tensorflow import load_saved_model  # noqa: I001 - sets TensorFlow's threads up, before they are
import h5py
import keras
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


_DATATYPES = {dtype.name: name for name, dtype in DATATYPES.items() if name != "BYTES"} | {"string": "BYTES"}


class KerasModel:
    """A model, traced once a shape so that a call takes a fraction of Keras' own `predict`.

    Inputs and outputs that the model has in a dict are named by its keys, others as Keras names the input or
    the layer that gives them; of several outputs of one layer, all but the first get a number too.
    """

    def __init__(self, model: Any) -> None:
        # A Sequential has but the tensors, one or several; a functional model has them as it was built.
        is_chain = isinstance(model, keras.Sequential)
        self._structure = _one_or_all(model.inputs) if is_chain else model.input
        answers = _one_or_all(model.outputs) if is_chain else model.output
        self._call = tf.function(lambda tensors: model(tensors, training=False), reduce_retracing=True)
        # Keras itself takes any number of rows, whatever it was fitted with, unless it keeps states of them.
        fixed = any(getattr(layer, "stateful", False) for layer in model._flatten_layers())
        taken = _names(self._structure, [tensor.name for tensor in model.inputs])
        given = _names(answers, _layers(model))
        self.inputs = _specs(taken, model.inputs, rows_are_fixed=fixed)
        self.outputs = _specs(given, model.outputs, rows_are_fixed=fixed)

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Call the model."""
        tensors = [tf.constant(inputs[spec.name]) for spec in self.inputs]
        given = keras.tree.flatten(self._call(keras.tree.pack_sequence_as(self._structure, tensors)))
        return {spec.name: np.asarray(tensor) for spec, tensor in zip(self.outputs, given, strict=True)}


def load(
    path: Path,
    trust: Iterable[str] = (),  # noqa: ARG001 - trust is for pickles
    *,
    gpu: bool = False,
) -> KerasModel:
    """Load a model, onto a GPU if there is one to use; ModelError if the file has none, or holds code."""
    if gpu:
        load_saved_model.use_gpus()
    writer = _writer(path)
    check_writer("Keras", writer, keras.__version__)
    try:
        # Of names that were better otherwise; what a pod's log has is JSON.
        with warnings.catch_warnings(action="ignore"):
            model = KerasModel(keras.saving.load_model(path, compile=False, safe_mode=True))
    except ModelError:
        raise
    # Its errors share no class but Exception.
    except Exception as error:  # noqa: BLE001
        if fault := _code_in(error):
            raise ModelError(fault) from None
        raise unreadable("Keras model", error, "Keras", writer, keras.__version__) from None
    return model


def _one_or_all(tensors: list[Any]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors


def _names(structure: Any, others: Sequence[str]) -> list[str]:
    """Return names of a structure's tensors: the keys that lead to each or, where none do, the others."""
    wished = [
        ".".join(map(str, path)) if any(isinstance(step, str) for step in path) else other
        for (path, _), other in zip(keras.tree.flatten_with_path(structure), others, strict=True)
    ]
    names: list[str] = []
    for name in wished:
        # A number that makes it no other tensor's name: Keras itself counts dense, dense_1, dense_2.
        numbered = (f"{name}_{number}" for number in count(1))
        free = (each for each in numbered if each not in names and each not in wished)
        names.append(next(free) if name in names else name)
    return names


def _layers(model: Any) -> list[str]:
    """Return the layer that gives each output: tensors get other names whenever a model is loaded."""
    if isinstance(model, keras.Sequential):
        return [model.layers[-1].name] * len(model.outputs)
    return list(model.output_names)


def _specs(names: Sequence[str], tensors: Sequence[Any], *, rows_are_fixed: bool) -> tuple[TensorSpec, ...]:
    return tuple(
        _spec(name, tensor, rows_are_fixed=rows_are_fixed)
        for name, tensor in zip(names, tensors, strict=True)
    )


def _spec(name: str, tensor: Any, *, rows_are_fixed: bool) -> TensorSpec:
    if tensor.dtype not in _DATATYPES:
        raise ModelError(
            f"takes or gives {name!r} as {tensor.dtype}, which the Open Inference Protocol does not have; "
            "cast it to float32 in a last layer"
        )
    shape = [-1 if size is None else int(size) for size in tensor.shape]
    if shape and not rows_are_fixed:
        shape[0] = -1
    return TensorSpec(name, tuple(shape), _DATATYPES[tensor.dtype])


def _writer(path: Path) -> str | None:
    """Return the version of Keras that a file names, zipped or of HDF5."""
    data = path.read_bytes()
    if (version := writers.keras(data)) is not None:
        return version
    try:
        with h5py.File(path) as file:
            version = file.attrs.get("keras_version")
    except OSError:
        return None
    # Keras 2 wrote it as bytes.
    return version.decode(errors="replace") if isinstance(version, bytes) else version


_FOREIGN = re.compile(r"(?:Could not locate (?:class|function)|Unknown layer:) '([^']+)'")
"""How Keras says, of a `.keras` or a `.h5` file, that it does not know something in it."""


def _code_in(error: Exception) -> str | None:
    """Return what is wrong with a model that is not of Keras alone; None: it is something else."""
    if "safe_mode" in str(error):
        return (
            "holds code of its own (a Lambda layer), which no pod runs; write it with layers of Keras, or "
            "push it as a SavedModel (model.export) in a set of type tensorflow/savedmodel"
        )
    if found := _FOREIGN.search(str(error)):
        return (
            f"needs {found[1]}, which is not Keras' own; write it with layers of Keras, or push it as a "
            "SavedModel (model.export) in a set of type tensorflow/savedmodel"
        )
    return None
