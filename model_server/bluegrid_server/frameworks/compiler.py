"""Compilation of models; a compiled model is used only if it is proven to answer as the original.

<framework>/compiler.py
                       `compiled(model)` compiles a loaded model, and raises why it cannot be compiled
compiled.py            what a compiler returns: trees, or an ONNX graph
trees.py               trees of any framework
tree_table.py          computes trees by NumPy; tree_model.py: the model that a table answers for
tree_graph.py          an ONNX graph of trees
finite.py              graphs that report whether all computed values are finite
graph_model.py         the model that a graph answers for

Loaders know nothing of this. The original model answers if it is not compiled, and for rows that frameworks
may treat specially: rows with values that are not finite or beyond FP32, and rows for which the graph
computes values that are not finite.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry.errors import ConfigError, ModelError
from bluegrid_server.frameworks.compiled import NotCompiledError
from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.frameworks.supported import framework_of, module_of
from bluegrid_server.frameworks.tree_model import TreeModel
from bluegrid_server.frameworks.tree_table import TreeTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid_registry.model_types.model_type import ModelType
    from bluegrid_server.frameworks.compiled import Compiled
    from bluegrid_server.frameworks.graph_model import GraphModel
    from bluegrid_server.frameworks.model import Model

    Compiler = Callable[[Any], Compiled]

ONNX = "onnx"
"""How a compiled model runs by ONNX Runtime."""
TREES = "trees: computed from their table without their framework"
LINEAR = "linear: computed without its framework, which is faster still"

_OF_ONNX = ("onnx", "onnxruntime", "skl2onnx")
"""What compiles models to ONNX and runs them."""
_MAX_FP32 = float(np.finfo(np.float32).max)


def compiler_of(model_type: ModelType, *, onnx: bool = False) -> Compiler:
    """Return the compiler of a model type's framework.

    Args:
        model_type: of the set.
        onnx: whether the set asks for ONNX, so that this image has to have all that compilers need.

    Raises:
        ConfigError: nothing compiles such models, or not to ONNX in this image.
    """
    framework = model_type.framework
    name = framework_of(model_type).compiler
    if name is None:
        raise _no_compiler(framework, f"nothing compiles {framework}")
    # Not imported: most models need none of it.
    if onnx and (missing := [module for module in _OF_ONNX if find_spec(module) is None]):
        raise _no_compiler(framework, f"{missing[0]} is not installed")
    compiler: Compiler = import_module(module_of(name)).compiled
    return compiler


def _no_compiler(framework: str, reason: str) -> ConfigError:
    return ConfigError(
        f"BLUEGRID_ACCELERATE: this image compiles no {framework} models to ONNX: {reason}; "
        "use one with bluegrid-server[accelerate], or remove the set's `accelerate`"
    )


def accelerated(model: Model, compiler: Compiler, prove: Callable[[Model], None]) -> tuple[Model, str]:
    """Return the model to use, and how it runs: `TREES`, `ONNX`, or why it is not compiled.

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
            candidate = _candidate(model, compiled)
            difference = _difference(model, candidate, compiled)
            prove(candidate)
    except ModelError:
        return model, "differs: compiled, it misses its recorded example"
    except Exception as error:  # noqa: BLE001
        reason = " ".join(str(error).split())[:300]
        return model, f"cannot be compiled: {reason or type(error).__name__}"
    if difference:
        return model, difference
    return candidate, TREES if isinstance(candidate, TreeModel) else ONNX


def _candidate(model: Model, compiled: Compiled) -> TreeModel | GraphModel:
    """Return the compiled model; large ensembles run by ONNX Runtime, where the image has it."""
    if isinstance(compiled.program, bytes):
        return _of_graph(model, compiled.program)
    table = TreeTable.of(compiled.program)
    has_onnx = all(map(find_spec, _OF_ONNX))
    if table.is_small or (compiled.is_slow and not has_onnx):
        return TreeModel(table, model.inputs, model.outputs, model)
    if not has_onnx:
        raise NotCompiledError(
            f"has {len(table.features)} nodes, which are faster by ONNX Runtime; the image family "
            "`accelerated` has it"
        )
    from bluegrid_server.frameworks.tree_graph import graph_of

    return _of_graph(model, graph_of(compiled.program))


def _of_graph(model: Model, graph: bytes) -> GraphModel:
    # Imported here, like the module of graphs above, because they need packages that few images have.
    from bluegrid_server.frameworks.graph_model import GraphModel

    return GraphModel(model, graph)


def _difference(original: Model, candidate: TreeModel | GraphModel, compiled: Compiled) -> str:
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
