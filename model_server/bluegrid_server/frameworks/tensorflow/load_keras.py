"""Loader of Keras 3 models, `.keras` and `.h5`, on TensorFlow.

Only sets of the platform can have them; even so, Keras' safe mode refuses layers of marshalled Python
(Lambda) and classes of other packages. Models are not compiled, because predictions need no optimizer.
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

from bluegrid_server.frameworks.tensorflow import load_saved_model  # noqa: I001 - sets the number of TensorFlow's threads first
import h5py
import keras
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


_DATATYPES = {dtype.name: name for name, dtype in DATATYPES.items() if name != "BYTES"} | {"string": "BYTES"}


class KerasModel:
    """A model, traced once a shape, so that a call takes a fraction of the time of Keras' own `predict`.

    Inputs and outputs in a dict have the names of its keys; others have Keras' name of the input or of the
    layer that returns them. If a layer returns several outputs, all but the first also get a number.
    """

    def __init__(self, model: Any) -> None:
        # A Sequential has a list of tensors; a functional model has the structure that it was built with.
        is_chain = isinstance(model, keras.Sequential)
        self._structure = _one_or_all(model.inputs) if is_chain else model.input
        answers = _one_or_all(model.outputs) if is_chain else model.output
        self._call = tf.function(lambda tensors: model(tensors, training=False), reduce_retracing=True)
        # Keras accepts any number of rows, whatever the training had, unless a layer keeps state by row.
        fixed = any(getattr(layer, "stateful", False) for layer in model._flatten_layers())
        input_names = _names(self._structure, [tensor.name for tensor in model.inputs])
        output_names = _names(answers, _output_layers(model))
        self.inputs = _specs(input_names, model.inputs, rows_are_fixed=fixed)
        self.outputs = _specs(output_names, model.outputs, rows_are_fixed=fixed)

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Call the model."""
        tensors = [tf.constant(inputs[spec.name]) for spec in self.inputs]
        outputs = keras.tree.flatten(self._call(keras.tree.pack_sequence_as(self._structure, tensors)))
        return {spec.name: np.asarray(tensor) for spec, tensor in zip(self.outputs, outputs, strict=True)}


def load(
    path: Path,
    trust: Iterable[str] = (),  # noqa: ARG001 - trust is for pickles
    *,
    gpu: bool = False,
) -> KerasModel:
    """Load a model, onto a GPU if one can be used; raise ModelError if the file has none, or holds code."""
    if gpu:
        load_saved_model.use_gpus()
    writer = _writer(path)
    check_writer("Keras", writer, keras.__version__)
    try:
        # Keras warns about names; the log of a pod has only JSON.
        with warnings.catch_warnings(action="ignore"):
            model = KerasModel(keras.saving.load_model(path, compile=False, safe_mode=True))
    except ModelError:
        raise
    # Keras' errors have no common class but Exception.
    except Exception as error:  # noqa: BLE001
        if fault := _code_in(error):
            raise ModelError(fault) from None
        raise unreadable("Keras model", error, "Keras", writer, keras.__version__) from None
    return model


def _one_or_all(tensors: list[Any]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors


def _names(structure: Any, defaults: Sequence[str]) -> list[str]:
    """Return unique names of a structure's tensors: the keys on the path or, without keys, the default."""
    preferred = [
        ".".join(map(str, path)) if any(isinstance(step, str) for step in path) else default
        for (path, _), default in zip(keras.tree.flatten_with_path(structure), defaults, strict=True)
    ]
    names: list[str] = []
    for name in preferred:
        # A number that no other tensor has: Keras itself counts dense, dense_1, dense_2.
        numbered = (f"{name}_{number}" for number in count(1))
        unused = (other for other in numbered if other not in names and other not in preferred)
        names.append(next(unused) if name in names else name)
    return names


def _output_layers(model: Any) -> list[str]:
    """Return the name of each output's layer, because tensors get other names whenever a model is loaded."""
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
    """Return the version of Keras in a file, a zip or HDF5."""
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
"""Keras' messages about an unknown class, function or layer in a `.keras` or a `.h5` file."""


def _code_in(error: Exception) -> str | None:
    """Return the fault of a model that needs code beyond Keras; None: the error has another cause."""
    if "safe_mode" in str(error):
        return (
            "holds code of its own (a Lambda layer), which no pod runs; write it with layers of Keras, or "
            "push it as a SavedModel (model.export) in a set of type tensorflow/savedmodel"
        )
    if unknown := _FOREIGN.search(str(error)):
        return (
            f"needs {unknown[1]}, which is not Keras' own; write it with layers of Keras, or push it as a "
            "SavedModel (model.export) in a set of type tensorflow/savedmodel"
        )
    return None
