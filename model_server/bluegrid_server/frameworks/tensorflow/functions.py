"""A signature or function of a SavedModel, as named tensors in and named tensors out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.tensorflow.keras_names import uncounted_inputs, unique_names
from bluegrid_server.frameworks.tensorflow.runtime import tf
from bluegrid_server.frameworks.tensorflow.values import array_of, spec_of, tensor_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SIGNATURE = "serving_default"
_MAX_NAMED = 10
"""Maximum number of signatures that an error names."""


def function_of(saved: Any, name: str | None) -> Any:
    """Return the concrete function to serve.

    Args:
        saved: the loaded SavedModel.
        name: of a signature, or of a function; None: `serving_default`, or the only one.

    Raises:
        ModelError: there is none of that name, or it is not clear which to serve.
    """
    signatures = dict(saved.signatures)
    functions = _functions(saved)
    # Functions are what was saved without signatures; with signatures, they are parts of them.
    served = signatures or functions
    if name is not None:
        if found := signatures.get(name) or functions.get(name):
            return found
        raise ModelError(f"has no signature {name}, the set's `signature`, {_there_are(served)}")
    if SIGNATURE in served or len(served) == 1:
        return served.get(SIGNATURE) or next(iter(served.values()))
    raise ModelError(f"has no signature {SIGNATURE}, {_there_are(served)}")


def _there_are(names: Mapping[str, Any]) -> str:
    if not names:
        return (
            "nor another one; export it with one: "
            f"tf.saved_model.save(model, folder, signatures={{{SIGNATURE!r}: function}})"
        )
    named = sorted(names)
    more = ", …" if len(named) > _MAX_NAMED else ""
    return f"only {', '.join(named[:_MAX_NAMED])}{more}; name one of them as the set's `signature`"


def _functions(saved: Any) -> dict[str, Any]:
    """Return the functions of a model's author that have one trace, so that their inputs are known."""
    found = {}
    for name in dir(saved):
        if name.startswith("_") or name == "signatures":
            continue
        traces: Any = getattr(getattr(saved, name, None), "concrete_functions", ())
        if len(traces) == 1:
            found[name] = traces[0]
    return found


class CalledFunction:
    """A concrete function, called by names.

    Inputs that the function takes by keyword have the name of the keyword, others that of their TensorSpec.
    Outputs in a dict have the names of its keys, others `output_0`, `output_1`, as in SavedModels.

    Raises:
        ModelError: an input or output is not a tensor of the protocol.
    """

    def __init__(self, function: Any) -> None:
        self._function = function
        self._structure = function.structured_input_signature
        self._leaves = [leaf for _, leaf in _leaves(self._structure)]
        # Constants, such as training=False, are leaves too.
        taken = [each for each in _leaves(self._structure) if isinstance(each[1], tf.TypeSpec)]
        if not taken:
            raise ModelError("takes no input, so that there is nothing to ask it; give its signature inputs")
        names = unique_names([()] * len(taken), [_input_name(path, leaf) for path, leaf in taken])
        # A signature that Keras exports has the names of Keras' tensors.
        self._names = uncounted_inputs(names)
        specs = [
            replace(spec_of(new, leaf), aliases=() if new == name else (name,))
            for new, name, (_, leaf) in zip(self._names, names, taken, strict=True)
        ]
        self.inputs = tuple(sorted(specs, key=lambda spec: spec.name))
        self.outputs = tuple(
            spec_of(_output_name(path), leaf) for path, leaf in _leaves(function.structured_outputs)
        )

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the outputs."""
        names = iter(self._names)
        flat = [
            tensor_of(inputs[next(names)], leaf.dtype) if isinstance(leaf, tf.TypeSpec) else leaf
            for leaf in self._leaves
        ]
        positional, by_keyword = tf.nest.pack_sequence_as(self._structure, flat)
        outputs = tf.nest.flatten(self._function(*positional, **by_keyword))
        return {spec.name: array_of(tensor) for spec, tensor in zip(self.outputs, outputs, strict=True)}


def _leaves(structure: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the leaves of a structure with their paths, in the order of `tf.nest.flatten`."""
    if isinstance(structure, Mapping):
        for key in sorted(structure):
            yield from _leaves(structure[key], (*path, key))
    elif isinstance(structure, list | tuple):
        for position, part in enumerate(structure):
            yield from _leaves(part, (*path, position))
    else:
        yield path, structure


def _input_name(path: tuple[Any, ...], leaf: Any) -> str:
    """Return the name of an input; its path begins with 0 for an argument by position, 1 for a keyword."""
    if not any(isinstance(step, str) for step in path):
        return getattr(leaf, "name", None) or f"input_{'_'.join(map(str, path[1:]))}"
    return ".".join(map(str, path[1:] if path[0] == 1 else path[2:]))


def _output_name(path: tuple[Any, ...]) -> str:
    if any(isinstance(step, str) for step in path):
        return ".".join(map(str, path))
    return f"output_{'_'.join(map(str, path or (0,)))}"
