"""Loader of TensorFlow models: SavedModel folders with a signature `serving_default`, or only one signature.

A graph is a program. Only sets of the platform can have them; even so, a graph is refused that calls Python,
or reads or writes files by operations beyond those that every SavedModel has for its own variables.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.gpu import not_used
from bluegrid_server.frameworks.versions import check_writer, unreadable
from bluegrid_server.protocol.tensor_spec import TensorSpec
from bluegrid_server.protocol.tensors import DATATYPES

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

SIGNATURE = "serving_default"

_REFUSED_OPERATIONS = frozenset(
    {
        "EagerPyFunc",
        "FixedLengthRecordDataset",
        "FixedLengthRecordReader",
        "FixedLengthRecordReaderV2",
        "LoadDataset",
        "MatchingFiles",
        "PyFunc",
        "PyFuncStateless",
        "ReadFile",
        "SaveDataset",
        "SaveDatasetV2",
        "TFRecordDataset",
        "TFRecordDatasetV2",
        "TFRecordReader",
        "TFRecordReaderV2",
        "TextLineDataset",
        "TextLineReader",
        "TextLineReaderV2",
        "WholeFileReader",
        "WholeFileReaderV2",
        "WriteFile",
    }
)
_DATATYPES = {dtype: name for name, dtype in DATATYPES.items() if name != "BYTES"}

# A model answers one request in one thread; many requests are answered by many workers.
# RuntimeError: this process has used TensorFlow before, and the threads exist.
with suppress(RuntimeError):
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


class TensorFlowModel:
    """A signature of a SavedModel."""

    def __init__(self, saved: Any) -> None:
        self._saved = saved  # because a signature does not keep its variables alive
        self._signature = _signature(saved.signatures)
        _, inputs = self._signature.structured_input_signature
        self.inputs = tuple(_spec(name, spec) for name, spec in sorted(inputs.items()))
        outputs = self._signature.structured_outputs
        self.outputs = tuple(_spec(name, spec) for name, spec in sorted(outputs.items()))

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Call the signature."""
        tensors = {name: tf.constant(_bytes(array)) for name, array in inputs.items()}
        return {name: np.asarray(tensor.numpy()) for name, tensor in self._signature(**tensors).items()}


def _signature(signatures: Mapping[str, Any]) -> Any:
    """Return the signature to serve; raise ModelError if it is not clear which."""
    if SIGNATURE in signatures:
        return signatures[SIGNATURE]
    names = sorted(signatures)
    if len(names) == 1:
        return signatures[names[0]]
    there = f"only {', '.join(names)}" if names else "nor another one"
    raise ModelError(
        f"has no signature {SIGNATURE}, {there}; export it with one: "
        f"tf.saved_model.save(model, folder, signatures={{{SIGNATURE!r}: function}})"
    )


@cache
def use_gpus() -> None:
    """Let TensorFlow allocate GPU memory as needed, because other processes use the GPUs too."""
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if not gpus:
        not_used("tensorflow", "TensorFlow is not built for CUDA, or finds no GPU")


def load(
    path: Path,
    trust: Iterable[str] = (),  # noqa: ARG001 - trust is for pickles
    *,
    gpu: bool = False,
) -> TensorFlowModel:
    """Load a SavedModel, onto a GPU if one can be used.

    Raises:
        ModelError: the folder is not a SavedModel, has no signature to serve, or has refused operations.
    """
    try:
        saved_model = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    except (DecodeError, OSError) as error:
        raise ModelError(f"is no SavedModel: {error}") from None
    if found := sorted(_REFUSED_OPERATIONS.intersection(_operations(saved_model))):
        raise ModelError(f"has operations that reach out of the model: {', '.join(found)}; export it without")
    writer = _writer(saved_model)
    check_writer("TensorFlow", writer, tf.__version__)
    if gpu:
        use_gpus()
    try:
        saved = tf.saved_model.load(path)
    # TensorFlow's errors have no common class but Exception.
    except Exception as error:  # noqa: BLE001
        raise unreadable("SavedModel", error, "TensorFlow", writer, tf.__version__) from None
    return TensorFlowModel(saved)


def _writer(saved_model: Any) -> str | None:
    versions = [graph.meta_info_def.tensorflow_version for graph in saved_model.meta_graphs]
    return next(filter(None, versions), None)


def _operations(saved_model: Any) -> Iterator[str]:
    for graph in saved_model.meta_graphs:
        yield from (node.op for node in graph.graph_def.node)
        for function in graph.graph_def.library.function:
            yield from (node.op for node in function.node_def)


def _spec(name: str, spec: Any) -> TensorSpec:
    datatype = "BYTES" if spec.dtype == tf.string else _DATATYPES.get(np.dtype(spec.dtype.as_numpy_dtype))
    if datatype is None:
        raise ModelError(
            f"takes or gives {name!r} as {spec.dtype.name}, which the Open Inference Protocol does not have; "
            "cast it in the signature"
        )
    if spec.shape.rank is None:
        raise ModelError(
            f"takes or gives {name!r} of any number of dimensions; give it a shape in the signature, such as "
            "tf.TensorSpec([None, 4])"
        )
    return TensorSpec(name, tuple(-1 if size is None else int(size) for size in spec.shape), datatype)


def _bytes(array: NDArray[Any]) -> Any:
    return array.tolist() if array.dtype.kind == "O" else array
