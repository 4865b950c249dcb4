"""Loader of ONNX models, from any framework, for ONNX Runtime.

A model that names external files is refused: ONNX Runtime would search for them in the server's working
folder. There are no libraries of custom operators. A session computes in the calling thread, so that many
small models answer many requests at a time.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry.errors import ModelError
from bluegrid_registry.model_types import sniff
from bluegrid_server.frameworks.errors import describe
from bluegrid_server.frameworks.gpu import not_used
from bluegrid_server.protocol.tensor_spec import TensorSpec

# Otherwise official builds such as 1.32 send events to their vendor, and write an identifier to the home
# folder (Privacy.md of the package). The library reads the variable when it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_DATATYPES = {
    "tensor(bool)": "BOOL",
    **{
        f"tensor({sign}int{bits})": f"{sign.upper()}INT{bits}"
        for sign in ("", "u")
        for bits in (8, 16, 32, 64)
    },
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(string)": "BYTES",
}
_TOO_NEW = re.compile(
    r"Unsupported model IR version: (\d+), max supported IR version: (\d+)"
    r"|Opset (\d+) is under development.* for domain (\S+) is till opset (\d+)"
)
"""ONNX Runtime's messages about a model that is newer than ONNX Runtime."""
_ERRORS_ONLY = 3
_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


class OnnxModel:
    """A session of ONNX Runtime."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self.inputs = tuple(_spec(node, "input") for node in session.get_inputs())
        self.outputs = tuple(_spec(node, "output") for node in session.get_outputs())

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run the graph."""
        feeds = {name: _with_strings(array) for name, array in inputs.items()}
        names = [spec.name for spec in self.outputs]
        return dict(zip(names, map(np.asarray, self._session.run(names, feeds)), strict=True))


def load(
    path: Path,
    trust: Iterable[str] = (),  # noqa: ARG001 - the file cannot run code
    *,
    gpu: bool = False,
) -> OnnxModel:
    """Load an ONNX model, onto a GPU if one can be used.

    Raises:
        ModelError: the file is not an ONNX model, or the model needs missing files or operators, or has an
            input or output that is not a tensor.
    """
    data = path.read_bytes()
    if fault := sniff.onnx(data):
        is_unfit = isinstance(fault, sniff.Unfit)
        raise ModelError(fault if is_unfit else f"is no ONNX model that this image runs: it {fault}")
    try:
        session = session_of(data, _providers(gpu=gpu))
    # ONNX Runtime's errors have no common class but Exception.
    except Exception as error:  # noqa: BLE001
        raise _unreadable(error) from None
    if gpu and _CUDA not in session.get_providers():
        not_used("onnx", "ONNX Runtime is not built for CUDA, or finds no GPU")
    return OnnxModel(session)


def session_of(
    graph: bytes, providers: Sequence[str] = (_CPU,), *, optimized: bool = True
) -> onnxruntime.InferenceSession:
    """Return a session that computes in the calling thread; raise any exception of ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(graph, options, providers=list(providers))


def _providers(*, gpu: bool) -> list[str]:
    """Return the execution providers by preference; the CPU computes operators without a CUDA kernel."""
    use_cuda = gpu and _CUDA in onnxruntime.get_available_providers()
    return [_CUDA, _CPU] if use_cuda else [_CPU]


def _unreadable(error: Exception) -> ModelError:
    newer = _TOO_NEW.search(" ".join(str(error).split()))
    if newer is None:
        return ModelError(
            f"is no ONNX model that this image runs: {describe(error)}; "
            "see what onnx.checker.check_model says of it, and export it again"
        )
    ir, newest_ir, opset, domain, newest_opset = newer.groups()
    what, known = (f"IR version {ir}", newest_ir) if ir else (f"opset {opset} of {domain}", newest_opset)
    return ModelError(f"is of {what}, and this image runs ONNX up to {known}; export it for that")


def _spec(node: Any, what: str) -> TensorSpec:
    if node.type not in _DATATYPES:
        raise ModelError(f"has an {what} {node.name!r} of type {node.type}, {_remedy(node.type)}")
    shape = tuple(size if isinstance(size, int) and size > 0 else -1 for size in node.shape)
    return TensorSpec(node.name, shape, _DATATYPES[node.type])


def _remedy(kind: str) -> str:
    if kind.startswith("seq(map("):
        return "which is no tensor; export it without (for scikit-learn: options={'zipmap': False})"
    if kind.startswith("tensor("):
        return "which the Open Inference Protocol does not have; cast it to float in the graph"
    return "which is no tensor; export it with plain tensors as its inputs and outputs"


def _with_strings(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind != "O":
        return array
    words = [word.decode(errors="replace") if isinstance(word, bytes) else word for word in array.reshape(-1)]
    return np.array(words, dtype=object).reshape(array.shape)
