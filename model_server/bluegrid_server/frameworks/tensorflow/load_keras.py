"""Loader of Keras 3 models, `.keras` and `.h5`, on TensorFlow.

Only sets of the platform can have them; even so, Keras' safe mode refuses layers of marshalled Python
(Lambda) and classes of other packages. Models are not compiled, because predictions need no optimizer.
"""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bluegrid_registry.errors import ModelError
from bluegrid_registry.model_types import writers
from bluegrid_server.frameworks.tensorflow.keras_names import (
    names_of_outputs,
    uncounted_inputs,
    unique_names,
)
from bluegrid_server.frameworks.versions import check_writer, unreadable
from bluegrid_server.protocol.tensor_spec import TensorSpec

os.environ["KERAS_BACKEND"] = "tensorflow"

from bluegrid_server.frameworks.tensorflow.runtime import tf, use_gpus  # noqa: I001 - before Keras, which imports TensorFlow
from bluegrid_server.frameworks.tensorflow.values import array_of, datatype_of, spec_of, tensor_of
import h5py
import keras

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray


_LOOKUPS = (keras.layers.StringLookup, keras.layers.IntegerLookup, keras.layers.TextVectorization)
"""Layers whose outputs Keras declares wrongly: integers for words, FP32 for INT64, (n, 1, 6) for (n, 6)."""


class KerasModel:
    """A model, traced once a shape, so that a call takes a fraction of the time of Keras' own `predict`.

    Inputs and outputs in a dict have the names of its keys, others those of `keras_names.py`.
    """

    def __init__(self, model: Any) -> None:
        if not getattr(model, "inputs", None):
            raise ModelError(
                "has no inputs yet; before you save it, call it on a row, or begin it with keras.Input and "
                "go on with layers"
            )
        # A Sequential has a list of tensors; a functional model has the structure that it was built with.
        is_chain = isinstance(model, keras.Sequential)
        self._structure = _one_or_all(model.inputs) if is_chain else model.input
        answers = _one_or_all(model.outputs) if is_chain else model.output
        layers = list(model._flatten_layers())
        stateful = [layer for layer in layers if getattr(layer, "stateful", False)]
        self._call = tf.function(_forgetting(model, stateful), reduce_retracing=True)
        # Keras accepts any number of rows, whatever the training had, unless a layer keeps state by row.
        fixed = bool(stateful)
        names = [tensor.name for tensor in model.inputs]
        input_names = unique_names(_paths(self._structure), uncounted_inputs(names))
        output_names = unique_names(_paths(answers), names_of_outputs(model, is_chain=is_chain))
        by_name = {layer.name: layer for layer in model.layers}
        self._dtypes = [tf.as_dtype(tensor.dtype) for tensor in model.inputs]
        self.inputs = tuple(
            replace(
                _spec(name, tensor, rows_are_fixed=fixed),
                aliases=(tensor.name,) if name != tensor.name else (),
                optional=getattr(by_name.get(tensor.name), "optional", False),
            )
            for name, tensor in zip(input_names, model.inputs, strict=True)
        )
        self.outputs = tuple(
            _spec(name, tensor, rows_are_fixed=fixed)
            for name, tensor in zip(output_names, model.outputs, strict=True)
        )
        if any(isinstance(layer, _LOOKUPS) for layer in layers):
            traced = zip(output_names, self._traced(model.inputs, rows_are_fixed=fixed), strict=True)
            self.outputs = tuple(spec_of(name, tensor) for name, tensor in traced)

    def _traced(self, inputs: list[Any], *, rows_are_fixed: bool) -> list[Any]:
        """Return the outputs as TensorFlow infers them, with their shapes and dtypes."""
        specs = [
            tf.TensorSpec(each.shape if rows_are_fixed else (None, *each.shape[1:]), each.dtype)
            for each in inputs
        ]
        traced = self._call.get_concrete_function(keras.tree.pack_sequence_as(self._structure, specs))
        return list(keras.tree.flatten(traced.structured_outputs))

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Call the model."""
        tensors = [
            tensor_of(inputs[spec.name], dtype) if spec.name in inputs else None
            for spec, dtype in zip(self.inputs, self._dtypes, strict=True)
        ]
        outputs = keras.tree.flatten(self._call(keras.tree.pack_sequence_as(self._structure, tensors)))
        return {spec.name: array_of(tensor) for spec, tensor in zip(self.outputs, outputs, strict=True)}


def load(
    path: Path,
    trust: Iterable[str] = (),  # noqa: ARG001 - trust is for pickles
    *,
    gpu: bool = False,
) -> KerasModel:
    """Load a model, onto a GPU if one can be used; raise ModelError if the file has none, or holds code."""
    if gpu:
        use_gpus()
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


def _forgetting(model: Any, stateful: list[Any]) -> Any:
    """Return the call of a model, each time with the state of a model that was just loaded.

    A stateful LSTM continues with the state of the call before. Requests come from many clients, to many
    processes: without a reset, an answer would depend on what others have asked.
    """

    def call(tensors: Any) -> Any:
        for layer in stateful:
            layer.reset_state()
        return model(tensors, training=False)

    return call


def _one_or_all(tensors: list[Any]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors


def _paths(structure: Any) -> list[tuple[Any, ...]]:
    return [path for path, _ in keras.tree.flatten_with_path(structure)]


def _spec(name: str, tensor: Any, *, rows_are_fixed: bool) -> TensorSpec:
    shape = [-1 if size is None else int(size) for size in tensor.shape]
    if shape and not rows_are_fixed:
        shape[0] = -1
    return TensorSpec(name, tuple(shape), datatype_of(name, tensor.dtype))


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


_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""The places between the words of the name of a class."""


def _code_in(error: Exception) -> str | None:
    """Return the fault of a model that needs code beyond Keras; None: the error has another cause."""
    if "safe_mode" in str(error):
        return (
            "holds code of its own (a Lambda layer), which no pod runs; write it with layers of Keras, or "
            "push it as a SavedModel (model.export) in a set of type tensorflow/savedmodel"
        )
    if unknown := _FOREIGN.search(str(error)):
        if hasattr(keras.ops, _WORD.sub("_", unknown[1]).lower()):
            return (
                f"has the operation {unknown[1]} of Keras (a mask has, for example), which Keras does not "
                "read from HDF5; save it as .keras, in a set of type keras/keras"
            )
        return (
            f"needs {unknown[1]}, which is not Keras' own; write it with layers of Keras, or push it as a "
            "SavedModel (model.export) in a set of type tensorflow/savedmodel"
        )
    return None
