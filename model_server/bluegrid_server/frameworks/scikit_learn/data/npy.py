"""Arrays of numbers in NumPy's format, version 1.0, as `numpy.save` writes it.

https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.frameworks.not_data import NotDataError, check

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': ('[^']*'|\[[^\]]*\]), 'fortran_order': (False|True), "
    rb"'shape': \(((?:\d{1,10}, )*\d{1,10}|\d{1,10},|)\), \} *\n"
)
_NAMES = ("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8")
TREE_FIELDS = {
    "left_child": "<i8",
    "right_child": "<i8",
    "feature": "<i8",
    "threshold": "<f8",
    "impurity": "<f8",
    "n_node_samples": "<i8",
    "weighted_n_node_samples": "<f8",
    "missing_go_to_left": "|u1",
}
"""Fields of the nodes of a tree, since scikit-learn 1.3; each node fills up 64 bytes."""
TREE_NODES = np.dtype(
    {
        "names": [*TREE_FIELDS],
        "formats": [*TREE_FIELDS.values()],
        "offsets": [*range(0, 64, 8)],
        "itemsize": 64,
    }
)
PLAIN_TYPES = {name: np.dtype(name) for name in _NAMES}
"""Types of numbers, by the names that NumPy gives them."""
_TYPES = {f"'{name}'": dtype for name, dtype in PLAIN_TYPES.items()} | {
    str([*TREE_FIELDS.items(), ("", "|V7")]): TREE_NODES
}
"""Types of elements, as headers write them."""


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
    if found is None or (dtype := _TYPES.get(found[1].decode())) is None:
        raise NotDataError("an array of another type")
    shape = tuple(int(size) for size in found[3].decode().split(",") if size)
    return dtype, shape, "F" if found[2] == b"True" else "C", math.prod(shape)
