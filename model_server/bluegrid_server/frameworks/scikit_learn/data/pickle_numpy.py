"""NumPy's arrays, numbers and types in pickles: the calls and states that make them, without making any call.

https://numpy.org/doc/stable/reference/generated/numpy.ndarray.__reduce__.html; joblib writes the bytes of an
array after the object that stands for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.frameworks.not_data import NotDataError, check
from bluegrid_server.frameworks.scikit_learn.data.described import Array, ObjectArray
from bluegrid_server.frameworks.scikit_learn.data.npy import PLAIN_TYPES, TREE_FIELDS, TREE_NODES

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid_server.frameworks.scikit_learn.data.pickle_data import PickleData

WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
"""The class that stands for an array whose bytes follow."""
_ARRAY, _DTYPE = "numpy.ndarray", "numpy.dtype"
_CALLED = {
    "numpy.core.multiarray.scalar": "scalar",
    "numpy._core.multiarray.scalar": "scalar",
    "numpy.core.multiarray._reconstruct": "_reconstruct",
    "numpy._core.multiarray._reconstruct": "_reconstruct",
}
GLOBALS = _CALLED.keys() | {WRAPPER, _ARRAY, _DTYPE}
"""Globals of arrays, numbers and types."""
_OBJECTS = "O8"
_SCALARS = {"<f8": "numpy.float64", "<i8": "numpy.int64"}


@dataclass(frozen=True, slots=True)
class Global:
    """A name, which is not looked up."""

    name: str


@dataclass(slots=True)
class Dtype:
    """A NumPy type: its code, and once it is complete, the type; objects have none."""

    code: str
    dtype: np.dtype[Any] | None = None
    is_complete: bool = False

    def complete(self, state: Any) -> None:
        """Set the type from its state; see `dtype.__reduce__`."""
        check(not self.is_complete, "a type of two states")
        version, order, *rest = state
        if self.code == _OBJECTS:
            check(state == (3, "|", None, None, None, -1, -1, 63), "another type of objects")
        elif self.code == f"V{TREE_NODES.itemsize}":
            check((version, order) == (3, "|"), "other nodes")
            _check_nodes(*rest)
            self.dtype = TREE_NODES
        else:
            check(version == 3 and rest == [None, None, None, -1, -1, 0], "another type")
            self.dtype = PLAIN_TYPES.get(f"{order}{self.code}")
            check(self.dtype is not None, "another type")
        self.is_complete = True


def _check_nodes(_: Any, names: Any, fields: Any, size: Any, alignment: Any, flags: Any) -> None:
    """Raise NotDataError unless these are the fields of the nodes of a tree."""
    check(
        (names, size, flags) == ((*TREE_FIELDS,), TREE_NODES.itemsize, 16)
        and alignment in (1, 8)
        and fields.keys() == TREE_FIELDS.keys(),
        "other fields",
    )
    for place, (name, code) in enumerate(TREE_FIELDS.items()):
        kind, offset = fields[name]
        check(isinstance(kind, Dtype) and kind.dtype == np.dtype(code) and offset == 8 * place, "a field")


@dataclass(slots=True, eq=False)
class NewArray:
    """An array before its state is known, and its places in the memo."""

    places: list[int] = field(default_factory=list)


def called(data: PickleData, name: str, arguments: tuple[Any, ...]) -> Dtype | Array | NewArray:
    """Return what a call gives; raise NotDataError if it is not one of NumPy."""
    if name == _DTYPE:
        code, align, copy = arguments
        check(type(code) is str and align is False and copy is True, "another type")
        return Dtype(code)
    match _CALLED.get(name):
        case "scalar":
            dtype, content = arguments
            check(isinstance(dtype, Dtype) and dtype.dtype is not None, "another number")
            scalar = _SCALARS.get(dtype.dtype.str)
            check(
                scalar and type(content) is bytes and len(content) == dtype.dtype.itemsize, "another number"
            )
            number = data.keep(np.frombuffer(content, dtype.dtype).reshape(())).number
            return Array(number, scalar)
        case "_reconstruct":
            check(arguments == (Global(_ARRAY), (0,), b"b"), "another array")
            return NewArray()
    raise NotDataError(f"a call of {name}")


def array_of_state(data: PickleData, state: Any) -> Array | ObjectArray:
    """Return the array that gets a state."""
    version, shape, dtype, is_fortran, content = state
    shape = _shape(shape)
    check(version == 1 and isinstance(dtype, Dtype) and dtype.is_complete, "another array")
    if dtype.dtype is None:
        check(type(content) is list and shape == (len(content),), "another array of objects")
        return ObjectArray(tuple(content))
    check(type(content) is bytes and type(is_fortran) is bool, "another array")
    check(len(content) == dtype.dtype.itemsize * math.prod(shape), "an array of another size")
    values = np.frombuffer(content, dtype.dtype)
    return data.keep(values.reshape(shape, order="F" if is_fortran else "C"))


def array_of_joblib(
    data: PickleData, state: dict[str, Any], nested: Callable[[], Any]
) -> Array | ObjectArray:
    """Return the array whose bytes follow.

    Args:
        data: the pickle, at these bytes.
        state: of the object that stands for the array.
        nested: reads the pickle that follows instead if the array is one of objects.
    """
    keys = {"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"}
    check(state.keys() == keys and state["subclass"] == Global(_ARRAY), "another array")
    shape, dtype = _shape(state["shape"]), state["dtype"]
    check(isinstance(dtype, Dtype) and dtype.is_complete, "another type")
    if dtype.dtype is None:
        objects = nested()
        check(isinstance(objects, ObjectArray) and (len(objects.items),) == shape, "another array of objects")
        return objects  # type: ignore[no-any-return]
    check(state["numpy_array_alignment_bytes"] == 16 and state["order"] in ("C", "F"), "another order")
    data.take(data.integer(1))
    values = np.frombuffer(data.take(dtype.dtype.itemsize * math.prod(shape)), dtype.dtype)
    return data.keep(values.reshape(shape, order=state["order"]))


def _shape(shape: Any) -> tuple[int, ...]:
    is_shape = isinstance(shape, tuple) and all(type(size) is int and 0 <= size < 2**40 for size in shape)
    check(is_shape and len(shape) <= 3, "another shape")
    return tuple(shape)
