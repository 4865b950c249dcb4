"""Names of a Keras model's inputs and outputs, the same wherever and whenever the model is built.

Keras names a layer that its author does not name by its class, and counts through the process that builds it:
the input of the seventh model is `input_layer_6`, and its last layer may be `dense_13`. All models of a set
should answer the same request, so such names lose their numbers; names that people give stay.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_INPUT = "input_layer"
"""Keras' name of the first unnamed input in a process."""
_COUNTED_INPUT = re.compile(r"(input_layer|keras_tensor)(?:_(\d+))?|(input)_(\d+)")
"""Names of unnamed inputs: of layers, of tensors in exported signatures, and of Keras 2."""
_NUMBER = re.compile(r"_\d+$")


def uncounted_inputs(names: Sequence[str]) -> list[str]:
    """Return names of inputs, among which those that Keras counted are counted from the model's first one.

    The order of the numbers stays, and no number becomes larger: a request that has the names of before
    cannot be taken for one with the new names in another order.
    """
    counted = sorted(filter(_COUNTED_INPUT.fullmatch, names), key=_count)
    new = {name: f"{_INPUT}_{rank}" if rank else _INPUT for rank, name in enumerate(counted)}
    return [new.get(name, name) for name in names]


def _count(name: str) -> tuple[str, int]:
    prefix, _, number = name.rpartition("_")
    return (prefix, int(number)) if number.isdecimal() else (name, 0)


def names_of_outputs(model: Any, *, is_chain: bool) -> list[str]:
    """Return the name of the layer or operation of each output.

    Tensors themselves get other names whenever a model is loaded.

    Args:
        model: of Keras.
        is_chain: whether the model is a Sequential, whose outputs are those of its last layer.
    """
    if is_chain:
        return [_uncounted(model.layers[-1].name, model.layers[-1])] * len(model.outputs)
    by_name = {operation.name: operation for operation in model.operations}
    return [_uncounted(name, by_name.get(name)) for name in model.output_names]


def _uncounted(name: str, operation: Any) -> str:
    """Return the name without the number that Keras counts; the name itself if a person gave it."""
    plain = _NUMBER.sub("", name)
    return plain if plain.replace("_", "") == type(operation).__name__.lower() else name


def unique_names(paths: Sequence[tuple[Any, ...]], defaults: Sequence[str]) -> list[str]:
    """Return unique names of tensors in a structure: the keys on the path or, without keys, the default."""
    preferred = [
        ".".join(map(str, path)) if any(isinstance(step, str) for step in path) else default
        for path, default in zip(paths, defaults, strict=True)
    ]
    names: list[str] = []
    for name in preferred:
        # A number that no other tensor has: Keras itself counts dense, dense_1, dense_2.
        numbered = (f"{name}_{number}" for number in count(1))
        unused = (other for other in numbered if other not in names and other not in preferred)
        names.append(next(unused) if name in names else name)
    return names
