"""Models compiled to ONNX where that is faster, and used only where they are proven to answer alike.

compiled.py            what a compiler returns
finite.py              graphs that report whether all that they compute is finite
tree_ensemble.py       trees of any framework, and the graph that computes them
<framework>/compiler.py
                       `compiled(model)` takes a loaded model, and raises what keeps it from being compiled

Loaders know nothing of this. A model that is not compiled is its framework's own, and so is every answer to
rows that frameworks may treat specially: with what is not finite or FP32 does not hold, be it in the row or
on the way to the answer.
"""

from __future__ import annotations

import math
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry.errors import ConfigError, ModelError
from bluegrid_server.frameworks.compiled import CHECK, NotCompiledError
from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.frameworks.supported import framework_of, module_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from bluegrid_registry.model_types.model_type import ModelType
    from bluegrid_server.frameworks.compiled import Compiled
    from bluegrid_server.frameworks.model import Model

    Compiler = Callable[[Any], Compiled]

ONNX = "onnx"
"""How a model runs that is compiled."""
LINEAR = "linear: computed without its framework, which is faster still"

_MOST = float(np.finfo(np.float32).max)


def compiler_of(model_type: ModelType) -> Compiler:
    """The compiler of a model type's framework; ConfigError when this image has none."""
    framework = model_type.framework
    name = framework_of(model_type).compiler
    if name is None:
        raise _no_compiler(framework, f"nothing compiles {framework}")
    try:
        import_module("onnxruntime")
        compiler: Compiler = import_module(module_of(name)).compiled
    except ImportError as error:
        raise _no_compiler(framework, str(error)) from None
    return compiler


def _no_compiler(framework: str, reason: str) -> ConfigError:
    return ConfigError(
        f"BLUEGRID_ACCELERATE: this image compiles no {framework} models: {reason}; "
        "use one with bluegrid-server[accelerate]"
    )


def accelerated(model: Model, compiler: Compiler, prove: Callable[[Model], None]) -> tuple[Model, str]:
    """Return the model to use, and how it runs: `ONNX`, or why by itself.

    Args:
        model: as its loader made it.
        compiler: of its framework.
        prove: raises ModelError for a model that does not answer as recorded.
    """
    if isinstance(model, LinearModel):
        return model, LINEAR
    # Compilers and ONNX Runtime raise anything for what they do not know; the model answers without them.
    try:
        with warnings.catch_warnings():
            # Of what is far outside of its range the model itself may warn, and of itself the converter.
            warnings.simplefilter("ignore")
            compiled = compiler(model)
            candidate = AcceleratedModel(model, compiled.graph)
            fault = _difference(model, candidate, compiled)
            prove(candidate)
    except ModelError:
        return model, "differs: compiled, it misses its recorded example"
    except Exception as error:  # noqa: BLE001
        reason = " ".join(str(error).split())[:300]
        return model, f"cannot be compiled: {reason or type(error).__name__}"
    return (model, fault) if fault else (candidate, ONNX)


class AcceleratedModel:
    """A model with one table as its input, answered for by a session of ONNX Runtime."""

    def __init__(self, own: Model, graph: bytes) -> None:
        # Here, because an image without it loads models all the same.
        from bluegrid_server.frameworks.onnx.load import session_of

        self._own = own
        self.inputs, self.outputs = own.inputs, own.outputs
        (self._input,), (self._output, *_) = own.inputs, own.outputs
        self._shape = (-1, *self._output.shape[1:])
        # Nothing is left to optimize in so few operators, and trying takes time and memory.
        self._session = session_of(graph, optimized=False)
        answer, *others = (each.name for each in self._session.get_outputs())
        self._wanted = [answer, *(name for name in others if name == CHECK)]

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Predict; what is no such table, or holds other numbers than usual, is the own model's to judge."""
        x = inputs[self._input.name]
        if x.ndim == 2 and len(x) and x.shape[1] == self._input.shape[1] and (np.abs(x) <= _MOST).all():
            y, is_sound = self.compute(x)
            if is_sound:
                return {self._output.name: y}
        return self._own.predict(inputs)

    def compute(self, x: NDArray[Any]) -> tuple[NDArray[Any], bool]:
        """Return the graph's answer, and whether all is finite that it met on its way."""
        y, *check = self._session.run(self._wanted, {"x": x})
        return y.reshape(self._shape), all(map(math.isfinite, check))


def _difference(own: Model, candidate: AcceleratedModel, compiled: Compiled) -> str:
    """Where the two differ, as people read it; nothing if they agree."""
    rows = compiled.rows[(np.abs(compiled.rows) <= _MOST).all(axis=1)]
    (expected,) = own.predict({own.inputs[0].name: rows}).values()
    got, _ = candidate.compute(rows)
    if not candidate.compute(rows[:1])[1]:
        raise NotCompiledError("meets what is not finite on the way to any answer")
    if (expected.dtype, expected.shape) != (got.dtype, got.shape):
        return f"differs: {got.dtype} {got.shape} compiled, {expected.dtype} {expected.shape} by itself"
    if expected.dtype.kind == "f":
        finite = np.isfinite(expected)
        size = np.abs(expected, where=finite, out=np.zeros_like(expected))
        room = compiled.rtol * (size + (np.median(size[finite]) if finite.any() else 0))
        # Of two numbers that are none the difference is none either, and no proof.
        wrong = np.where(finite, ~(np.abs(got - expected) <= room), np.isfinite(got))
    else:
        wrong = got != expected
    if not wrong.any():
        return ""
    worst = np.unravel_index(np.argmax(wrong), wrong.shape)
    return f"differs: {got[worst]} compiled, {expected[worst]} by itself"
