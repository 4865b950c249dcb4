"""Loader of TensorFlow models: SavedModel folders, of which one signature or one function is served.

A graph is a program. Only sets of the platform can have them; even so, a graph is refused that calls Python,
or reads or writes files by operations beyond those that every SavedModel has for its own variables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.tensorflow.functions import CalledFunction, function_of
from bluegrid_server.frameworks.tensorflow.runtime import saved_model_pb2, tf, use_gpus
from bluegrid_server.frameworks.versions import check_writer, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

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


class TensorFlowModel:
    """A signature of a SavedModel, or a function of a SavedModel that was saved without signatures.

    Args:
        saved: the loaded SavedModel.
        signature: name of the signature or function; None: `serving_default`, or the only one.

    Raises:
        ModelError: it is not clear what to serve, or an input or output is not a tensor of the protocol.
    """

    def __init__(self, saved: Any, signature: str | None = None) -> None:
        self._saved = saved  # because a signature does not keep its variables alive
        self._call = CalledFunction(function_of(saved, signature))
        self.inputs, self.outputs = self._call.inputs, self._call.outputs

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Call the signature."""
        return self._call(inputs)


def load(
    path: Path,
    trust: Iterable[str] = (),  # noqa: ARG001 - trust is for pickles
    *,
    gpu: bool = False,
    signature: str | None = None,
) -> TensorFlowModel:
    """Load a SavedModel, onto a GPU if one can be used.

    Args:
        path: the folder.
        trust: ignored.
        gpu: whether the pod has a GPU.
        signature: name of the signature to serve; None: `serving_default`, or the only one.

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
    return TensorFlowModel(saved, signature)


def _writer(saved_model: Any) -> str | None:
    versions = [graph.meta_info_def.tensorflow_version for graph in saved_model.meta_graphs]
    return next(filter(None, versions), None)


def _operations(saved_model: Any) -> Iterator[str]:
    for graph in saved_model.meta_graphs:
        yield from (node.op for node in graph.graph_def.node)
        for function in graph.graph_def.library.function:
            yield from (node.op for node in function.node_def)
