"""Arrays of numbers in NumPy's format, version 1.0, as `numpy.save` writes it.

https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.frameworks.scikit_learn.data.described import NotDataError, check

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '([<|][biuf]\d)', 'fortran_order': (False|True), "
    rb"'shape': \(((?:\d{1,10}, )*\d{1,10}|\d{1,10},|)\), \} *\n"
)
_TYPES = frozenset({"|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8"})


def array_of(data: bytes) -> NDArray[Any]:
    """Return the array of a file, which shares the file's memory and cannot be changed.

    Raises:
        NotDataError: it is not an array of plain numbers, or has too few or too many bytes.
    """
    check(data.startswith(_MAGIC), "not an array of format 1.0")
    start = 10 + int.from_bytes(data[8:10], "little")
    dtype, shape, order, size = _layout(data[10:start])
    check(len(data) == start + size * dtype.itemsize, "an array of another size")
    return np.frombuffer(data, dtype, size, start).reshape(shape, order=order)


@lru_cache(maxsize=1024)
def _layout(header: bytes) -> tuple[np.dtype[Any], tuple[int, ...], Any, int]:
    """Return an array's type, shape, order in memory and number of elements."""
    found = _HEADER.fullmatch(header)
    if found is None or (name := found[1].decode()) not in _TYPES:
        raise NotDataError("an array of another type")
    shape = tuple(int(size) for size in found[3].decode().split(",") if size)
    return np.dtype(name), shape, "F" if found[2] == b"True" else "C", math.prod(shape)
