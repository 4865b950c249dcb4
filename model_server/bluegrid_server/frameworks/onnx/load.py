"""Loader of ONNX models, from any framework, for ONNX Runtime.

A model that names external files is refused: ONNX Runtime would search for them in the server's working
folder. There are no libraries of custom operators. A session computes in the calling thread, so that many
small models answer many requests at a time. What the protocol has no tensor for is rewritten (see
`rewritten.py`). The tensors of a sequence are stacked if they have one shape; otherwise they are outputs.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry.errors import ModelError
from bluegrid_registry.model_types import sniff
from bluegrid_server.frameworks.errors import describe
from bluegrid_server.frameworks.gpu import not_used
from bluegrid_server.frameworks.onnx import graph
from bluegrid_server.frameworks.onnx.rewritten import Rewritten, rewritten
from bluegrid_server.protocol.tensor_spec import TensorSpec
from bluegrid_server.protocol.tensors import DATATYPES

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
_NO_LOCALE = re.compile(r"Failed to construct locale with name:([^:]*)")
"""ONNX Runtime's message about a locale that the machine does not have."""
_KIND = re.compile(r"(?:(?P<outer>seq|optional)\()?(?P<tensor>tensor\(\w+\))\)?")
"""ONNX Runtime's words for the type of an input or output that may be a tensor of the protocol."""
_ERRORS_ONLY = 3
_MADE_ROWS = 2
_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


class OnnxModel:
    """A session of ONNX Runtime.

    Args:
        session: of the rewritten model.
        model: the rewritten model, for the shapes that the session does not have.
    """

    def __init__(self, session: onnxruntime.InferenceSession, model: Rewritten) -> None:
        self._session = session
        self._names = model.names
        values = _Values(model)
        self.inputs = tuple(values.spec(node, "input") for node in session.get_inputs())
        # ONNX Runtime takes None for an optional without a value.
        self._absent = {self._inner(spec.name): None for spec in self.inputs if spec.optional}
        if not self.inputs:
            raise ModelError("takes no input, so that there is nothing to ask it; give its graph an input")
        outputs = tuple(values.spec(node, "output") for node in session.get_outputs())
        self._names_of_results = [spec.name for spec in outputs]
        self._sequences = values.sequences
        made = self._answer_to_made_rows()
        self._parts = {
            spec.name: _parts_of(spec, made[spec.name])
            for spec in outputs
            if spec.name in self._sequences and len(set(map(np.shape, made.get(spec.name, ())))) > 1
        }
        self.outputs = tuple(
            part
            for spec in outputs
            for part in self._parts.get(spec.name) or [self._as_made(spec, made.get(spec.name))]
        )

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run the graph; raise ValueError if an output is missing or is not a table."""
        arrays: dict[str, NDArray[Any]] = {}
        for name, value in self._run(inputs).items():
            if (parts := self._parts.get(name)) is None:
                arrays[name] = _array(name, value)
            elif len(value) != len(parts):
                raise ValueError(f"output {name!r} is a sequence of {len(value)} tensors, not {len(parts)}")
            else:
                arrays |= {part.name: each for part, each in zip(parts, value, strict=True)}
        return arrays

    def _run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        feeds = self._absent | {self._inner(name): self._fed(name, array) for name, array in inputs.items()}
        names = self._names_of_results
        return dict(zip(names, self._session.run(list(map(self._inner, names)), feeds), strict=True))

    def _inner(self, name: str) -> str:
        return self._names.get(name, name)

    def _fed(self, name: str, array: NDArray[Any]) -> Any:
        array = _with_strings(array)
        return list(array) if name in self._sequences else array

    def _answer_to_made_rows(self) -> dict[str, Any]:
        """Return the outputs for made inputs, whose shapes the graph may not show; empty if it fails."""
        made = {}
        for spec in self.inputs:
            # Two rows, since one row does not show whether an output has a row for each.
            sizes = [_MADE_ROWS if size == -1 else size for size in spec.shape[:1]]
            sizes += [max(size, 1) for size in spec.shape[1:]]
            made[spec.name] = np.full(sizes, "1" if spec.datatype == "BYTES" else 1, DATATYPES[spec.datatype])
        try:
            return self._run(made)
        # Values that the graph refuses show no shapes; the trial of the model reports the error.
        except Exception:  # noqa: BLE001
            return {}

    def _as_made(self, spec: TensorSpec, made: Any) -> TensorSpec:
        """Return the spec of an output, corrected by the shape that it has for made rows.

        ONNX Runtime only warns if a graph declares another: converters declare the 96 outputs of a forest as
        one (skl2onnx), and the labels of any number of rows as one (onnxmltools).
        """
        if spec.any_rank or not isinstance(made, np.ndarray) or made.ndim != len(spec.shape):
            return spec
        sizes = [
            declared if declared in (-1, size) else size
            for declared, size in zip(spec.shape, made.shape, strict=True)
        ]
        if spec.shape[:1] != tuple(sizes[:1]):
            sizes[0] = -1
        return replace(spec, shape=tuple(sizes))


def _parts_of(spec: TensorSpec, tensors: Sequence[NDArray[Any]]) -> list[TensorSpec]:
    """Return the specs of a sequence's tensors of several shapes.

    A classifier of two outputs gives a sequence of their probabilities, of 2 and of 3 classes.
    """
    return [
        TensorSpec(f"{spec.name}_{position}", (-1, *np.shape(part)[1:]), spec.datatype)
        for position, part in enumerate(tensors)
    ]


class _Values:
    """Makes the specs of a model's inputs and outputs."""

    def __init__(self, model: Rewritten) -> None:
        self._model = model
        self._outer = {inner: name for name, inner in model.names.items()}
        self._shapes: Mapping[str, tuple[int, ...] | None] | None = None
        self.sequences: set[str] = set()

    def spec(self, node: Any, what: str) -> TensorSpec:
        """Return the spec of a node; raise ModelError if the protocol has no tensor for it."""
        name = self._outer.get(node.name, node.name)
        kind = _KIND.fullmatch(node.type)
        if kind is None or kind["tensor"] not in _DATATYPES:
            raise ModelError(f"has an {what} {name!r} of type {node.type}, {_remedy(node.type)}")
        datatype = _DATATYPES[kind["tensor"]]
        shape = tuple(size if isinstance(size, int) and size > 0 else -1 for size in node.shape or ())
        if kind["outer"] == "seq":
            self.sequences.add(name)
        # ONNX Runtime gives the same for a scalar, for any number of dimensions, and for a sequence.
        declared = shape or self._declared(node.name)
        keys = self._model.keys.get(name, ())
        if keys and what == "input":
            return TensorSpec(name, (-1, len(keys)), datatype, columns=tuple(map(str, keys)))
        if keys and len(declared or ()) <= 2:
            return TensorSpec(name, (-1, len(keys)), datatype, classes=keys)
        optional = kind["outer"] == "optional" and what == "input"
        if declared is None:
            return TensorSpec(name, (-1,), datatype, any_rank=True, optional=optional)
        shape = (-1, *declared) if kind["outer"] == "seq" else declared
        return TensorSpec(name, shape, datatype, optional=optional)

    def _declared(self, name: str) -> tuple[int, ...] | None:
        if self._shapes is None:
            self._shapes = graph.shapes(memoryview(self._model.model))
        return self._shapes[name]


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
        model = rewritten(data)
        session = session_of(model.model, _providers(gpu=gpu))
    # ONNX Runtime's errors have no common class but Exception.
    except Exception as error:  # noqa: BLE001
        raise _unreadable(error) from None
    if gpu and _CUDA not in session.get_providers():
        not_used("onnx", "ONNX Runtime is not built for CUDA, or finds no GPU")
    return OnnxModel(session, model)


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
    if missing := _NO_LOCALE.search(str(error)):
        return ModelError(
            f"changes the case of words as in the locale {missing[1]}, which this image does not have; "
            "export it with locale='C.UTF-8' in its StringNormalizer, or use an image with that locale"
        )
    newer = _TOO_NEW.search(" ".join(str(error).split()))
    if newer is None:
        return ModelError(
            f"is no ONNX model that this image runs: {describe(error)}; "
            "see what onnx.checker.check_model says of it, and export it again"
        )
    ir, newest_ir, opset, domain, newest_opset = newer.groups()
    what, known = (f"IR version {ir}", newest_ir) if ir else (f"opset {opset} of {domain}", newest_opset)
    return ModelError(f"is of {what}, and this image runs ONNX up to {known}; export it for that")


def _remedy(kind: str) -> str:
    if "map(" in kind:
        return (
            "whose keys the graph does not name; export it with a tensor (for scikit-learn: "
            "options={'zipmap': False})"
        )
    if kind.startswith("tensor("):
        return "which the Open Inference Protocol does not have; cast it to float in the graph"
    return "which is no tensor; export it with plain tensors as its inputs and outputs"


def _array(name: str, value: Any) -> NDArray[Any]:
    """Return an output as an array; the tensors of a sequence are stacked."""
    if value is None:
        raise ValueError(f"output {name!r} is an optional without a value, which no tensor says")
    if not isinstance(value, list):
        return np.asarray(value)
    shapes = sorted({np.shape(each) for each in value})
    if len(shapes) != 1:
        named = ", ".join(map(str, map(list, shapes))) or "none"
        raise ValueError(f"output {name!r} is a sequence of tensors of one shape, got shapes {named}")
    return np.stack(value)


def _with_strings(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind != "O":
        return array
    words = [word.decode(errors="replace") if isinstance(word, bytes) else word for word in array.reshape(-1)]
    return np.array(words, dtype=object).reshape(array.shape)
