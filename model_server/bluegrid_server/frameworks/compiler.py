"""Compilation of models to ONNX; a compiled model is used only if it is proven to answer as the original.

compiled.py            what a compiler returns
finite.py              graphs that report whether all computed values are finite
tree_ensemble.py       trees of any framework, and the graph that computes them
<framework>/compiler.py
                       `compiled(model)` compiles a loaded model, and raises why it cannot be compiled

Loaders know nothing of this. The original model answers if it is not compiled, and for rows that frameworks
may treat specially: rows with values that are not finite or beyond FP32, and rows for which the graph
computes values that are not finite.
"""

from __future__ import annotations

import math
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from bluegrid_registry.errors import ConfigError, ModelError
from bluegrid_server.frameworks.compiled import CHECK, NotCompiledError
from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.frameworks.supported import framework_of, module_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from numpy.typing import NDArray

    from bluegrid_registry.model_types.model_type import ModelType
    from bluegrid_server.frameworks.compiled import Compiled
    from bluegrid_server.frameworks.model import Model, ModelWithMore

    Compiler = Callable[[Any], Compiled]

ONNX = "onnx"
"""How a compiled model runs."""
LINEAR = "linear: computed without its framework, which is faster still"

_MAX_FP32 = float(np.finfo(np.float32).max)


def compiler_of(model_type: ModelType) -> Compiler:
    """Return the compiler of a model type's framework; raise ConfigError if this image has none."""
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
    """Return the model to use, and how it runs: `ONNX`, or why it is not compiled.

    Args:
        model: from its loader.
        compiler: of the model's framework.
        prove: raises ModelError if a model does not reproduce its recorded example.
    """
    if isinstance(model, LinearModel):
        return model, LINEAR
    # Compilers and ONNX Runtime raise any exception for unknown models, which then run uncompiled.
    try:
        with warnings.catch_warnings():
            # The model may warn about rows far outside of its range, the converter about its own code.
            warnings.simplefilter("ignore")
            compiled = compiler(model)
            candidate = AcceleratedModel(model, compiled.graph)
            difference = _difference(model, candidate, compiled)
            prove(candidate)
    except ModelError:
        return model, "differs: compiled, it misses its recorded example"
    except Exception as error:  # noqa: BLE001
        reason = " ".join(str(error).split())[:300]
        return model, f"cannot be compiled: {reason or type(error).__name__}"
    return (model, difference) if difference else (candidate, ONNX)


class AcceleratedModel:
    """A model with one table as its input, computed by a session of ONNX Runtime."""

    def __init__(self, original: Model, graph: bytes) -> None:
        # Imported here, because images without ONNX Runtime import this module too.
        from bluegrid_server.frameworks.onnx.load import session_of

        self._original = original
        self.inputs, self.outputs = original.inputs, original.outputs
        (self._input,), (self._output, *_) = original.inputs, original.outputs
        self._shape = (-1, *self._output.shape[1:])
        # Not optimized: with so few operators there is nothing to gain, and it takes time and memory.
        self._session = session_of(graph, optimized=False)
        answer, *others = (output.name for output in self._session.get_outputs())
        self._output_names = [answer, *(name for name in others if name == CHECK)]

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Predict; the original model answers for unusual values and for inputs of another shape."""
        x = inputs[self._input.name]
        if x.ndim == 2 and len(x) and x.shape[1] == self._input.shape[1] and (np.abs(x) <= _MAX_FP32).all():
            y, is_sound = self.compute(x)
            if is_sound:
                return {self._output.name: y}
        return self._original.predict(inputs)

    def on_request(
        self, inputs: Mapping[str, NDArray[Any]], names: Collection[str]
    ) -> Mapping[str, NDArray[Any]]:
        """Return outputs on request, which the original model computes."""
        return cast("ModelWithMore", self._original).on_request(inputs, names)

    def compute(self, x: NDArray[Any]) -> tuple[NDArray[Any], bool]:
        """Return the graph's answer, and whether all values that it computed are finite."""
        y, *check = self._session.run(self._output_names, {"x": x})
        return y.reshape(self._shape), all(map(math.isfinite, check))


def _difference(original: Model, candidate: AcceleratedModel, compiled: Compiled) -> str:
    """Describe the first difference for people; return an empty string if both agree."""
    rows = compiled.rows[(np.abs(compiled.rows) <= _MAX_FP32).all(axis=1)]
    (expected,) = original.predict({original.inputs[0].name: rows}).values()
    got, _ = candidate.compute(rows)
    if not candidate.compute(rows[:1])[1]:
        raise NotCompiledError("meets what is not finite on the way to any answer")
    if (expected.dtype, expected.shape) != (got.dtype, got.shape):
        return f"differs: {got.dtype} {got.shape} compiled, {expected.dtype} {expected.shape} by itself"
    if expected.dtype.kind == "f":
        finite = np.isfinite(expected)
        size = np.abs(expected, where=finite, out=np.zeros_like(expected))
        tolerance = compiled.rtol * (size + (np.median(size[finite]) if finite.any() else 0))
        # Non-finite values cannot be subtracted: then only whether both are non-finite is compared.
        wrong = np.where(finite, ~(np.abs(got - expected) <= tolerance), np.isfinite(got))
    else:
        wrong = got != expected
    if not wrong.any():
        return ""
    worst = np.unravel_index(np.argmax(wrong), wrong.shape)
    return f"differs: {got[worst]} compiled, {expected[worst]} by itself"
