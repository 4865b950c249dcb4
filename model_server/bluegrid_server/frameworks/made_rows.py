"""Made rows: inputs of valid datatypes and shapes, to find out whether and with what a model answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.protocol.tensors import DATATYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from bluegrid_server.protocol.tensor_spec import TensorSpec

_MAX_ELEMENTS = 2**20
"""Maximum elements of a tensor: made rows must not need more memory than requests."""
_FILLS = (1.0, 100.0, 0.5, 0.0, -1.0)
"""Values to fill a tensor with; after them come 1, 2, 3, ..., then random numbers.

0 comes late, because the process ends if native code divides integers by 0.
"""
_WORDS = ("1", "a", "A", "1.5", "2026-01-01", "unknown", "")
"""Strings to fill a tensor with."""
_FEWER = (0, len(_FILLS) + 1)


def made_rows(
    specs: Sequence[TensorSpec],
    size: int = 1,
    known: Mapping[str, Sequence[Any]] | None = None,
    *,
    fewer: bool = False,
) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield inputs of these specs, each filled with other values; none if a tensor would be too large.

    Args:
        specs: of the inputs.
        size: in place of each -1 of the shapes.
        known: by name of an input or a column, values that the training knew, to use instead of made ones.
        fewer: only the first and the last.
    """
    shapes = {
        spec.name: (size, size)
        if spec.any_rank
        else tuple(size if fixed == -1 else fixed for fixed in spec.shape)
        for spec in specs
    }
    if any(np.prod(shape, dtype=object) > _MAX_ELEMENTS for shape in shapes.values()):
        return
    for kind in _FEWER if fewer else range(len(_FILLS) + 2):
        yield {spec.name: _filled(spec, shapes[spec.name], kind, known or {}) for spec in specs}


def _filled(
    spec: TensorSpec, shape: tuple[int, ...], kind: int, known: Mapping[str, Sequence[Any]]
) -> NDArray[Any]:
    made = _of_datatype(spec.datatype, shape, kind)
    if values := known.get(spec.name):
        _fill(made, values, kind)
    for number, column in enumerate(spec.columns):
        if values := known.get(column):
            _fill(made[:, number], values, kind)
    return made


def _fill(made: NDArray[Any], values: Sequence[Any], kind: int) -> None:
    made.flat[:] = [values[(kind + place) % len(values)] for place in range(made.size)]


def _of_datatype(datatype: str, shape: tuple[int, ...], kind: int) -> NDArray[Any]:
    dtype = DATATYPES[datatype]
    if dtype.kind == "O":
        return np.full(shape, _WORDS[kind], dtype=object)
    count = int(np.prod(shape))
    if kind < len(_FILLS):
        numbers = np.full(count, _FILLS[kind])
    elif kind == len(_FILLS):
        numbers = np.arange(1.0, count + 1)
    else:
        numbers = np.random.default_rng(0).normal(size=count) * 10
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        numbers = np.clip(numbers, max(limits.min, -(2**31)), min(limits.max, 2**31))
    return numbers.astype(dtype).reshape(shape)
