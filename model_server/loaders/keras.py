"""Keras 3 models, `.keras` and `.h5`, on TensorFlow.

Only sets of the platform hold them; layers of marshalled Python (Lambda) and classes from elsewhere are
refused all the same, by Keras' safe mode. Nothing is compiled: a model that answers needs no optimizer.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from model_registry.errors import ModelError
from model_server.loaders import TensorSpec
from model_server.tensors import DATATYPES

os.environ["KERAS_BACKEND"] = "tensorflow"

from model_server.loaders import tensorflow  # noqa: I001 - sets TensorFlow's threads up, before they are
import keras
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_DATATYPES = {dtype.name: name for name, dtype in DATATYPES.items() if name != "BYTES"} | {"string": "BYTES"}


class KerasModel:
    """A model, traced once a shape so that a call takes a fraction of Keras' own `predict`."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._call = tf.function(lambda tensors: model(tensors, training=False), reduce_retracing=True)
        # Named as the layers: tensors get other names whenever a model is loaded.
        is_chain = isinstance(model, keras.Sequential)
        names = [model.layers[-1].name] if is_chain else model.output_names
        self.inputs = tuple(_spec(tensor, tensor.name) for tensor in model.inputs)
        self.outputs = tuple(map(_spec, model.outputs, names))

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Call the model."""
        tensors = [tf.constant(inputs[spec.name]) for spec in self.inputs]
        given = tf.nest.flatten(self._call(tensors[0] if len(tensors) == 1 else tensors))
        return {spec.name: np.asarray(tensor) for spec, tensor in zip(self.outputs, given, strict=True)}


def load(
    path: Path,
    trust: Iterable[str] = (),  # noqa: ARG001 - trust is for pickles
    *,
    gpu: bool = False,
) -> KerasModel:
    """Load a model, onto a GPU if there is one to use; ModelError when it is none, or holds code."""
    if gpu:
        tensorflow.use_gpus()
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
        return KerasModel(model)
    # Its errors share no class but Exception.
    except Exception as error:  # noqa: BLE001
        told = " ".join(str(error).split())[:300]
        raise ModelError(
            f"is no Keras model that this image reads: {type(error).__name__}: {told}; save it with "
            "its version"
        ) from None


def _spec(tensor: Any, name: str) -> TensorSpec:
    shape = tuple(-1 if size is None else int(size) for size in tensor.shape)
    return TensorSpec(name, shape, _DATATYPES[tensor.dtype])
