"""How the recorded answers of a model changed between two versions: by how much, and how many labels.

Answers are compared where both versions have an example with the same inputs.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bluegrid_registry.formats.example import Example

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bluegrid_registry.formats.example import AnyExample

PREDICTIONS = "predictions"
"""Name of the output of examples in the short form, which do not name it."""


@dataclass(frozen=True)
class OutputChange:
    """How far one output moved, over all examples of a model."""

    moved: float | None
    """Largest absolute difference of its numbers; None: it has no numbers to subtract."""
    differing: int
    """Elements that cannot be subtracted and differ: labels, and numbers that are no longer finite."""


def output_changes(old: Iterable[AnyExample], new: Iterable[AnyExample]) -> dict[str, OutputChange]:
    """Return how far each output moved; empty if no example of both has the same inputs."""
    known = {_inputs(example): _outputs(example) for example in old}
    pairs = ((known.get(_inputs(example), {}), _outputs(example)) for example in new)
    return joined({name: _change(old[name], new[name]) for name in new if name in old} for old, new in pairs)


def joined(changes: Iterable[Mapping[str, OutputChange]]) -> dict[str, OutputChange]:
    """Return the changes of each output in all of `changes` together."""
    found: dict[str, OutputChange] = {}
    for change in changes:
        for name, one in change.items():
            other = found.get(name, OutputChange(None, 0))
            moves = [each.moved for each in (one, other) if each.moved is not None]
            found[name] = OutputChange(max(moves, default=None), one.differing + other.differing)
    return found


def _inputs(example: AnyExample) -> tuple[Any, ...]:
    return example.inputs if isinstance(example, Example) else example.request.inputs


def _outputs(example: AnyExample) -> Mapping[str, Sequence[Any]]:
    """Return the elements of each output, row by row."""
    if isinstance(example, Example):
        return {PREDICTIONS: example.outputs}
    return {tensor.name: tensor.data for tensor in example.response.outputs}


def _change(old: Sequence[Any], new: Sequence[Any]) -> OutputChange:
    moved, differing = None, 0
    for before, after in itertools.zip_longest(old, new, fillvalue=_NOTHING):
        if _is_number(before) and _is_number(after):
            moved = max(moved or 0.0, float(abs(after - before)))
        else:
            differing += before != after
    return OutputChange(moved, differing)


_NOTHING: Any = object()
"""Stands for an element that the other, longer output has."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
