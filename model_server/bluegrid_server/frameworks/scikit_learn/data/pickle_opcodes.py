"""Pickles of joblib and of Python, read as data by an interpreter of the few opcodes that estimators need.

It builds numbers, texts, lists, dicts and descriptions. A global stays a name: none is looked up, and the few
that may be called are known here. joblib writes the bytes of an array after the object that stands for it.
https://docs.python.org/3/library/pickletools.html
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.frameworks.not_data import NotDataError, check
from bluegrid_server.frameworks.scikit_learn.data.described import TREE, Array, Described, ObjectArray
from bluegrid_server.frameworks.scikit_learn.data.npy import PLAIN_TYPES, TREE_FIELDS, TREE_NODES
from bluegrid_server.frameworks.scikit_learn.data.recipes import CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

_MARK = object()
_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
_ARRAY, _DTYPE = "numpy.ndarray", "numpy.dtype"
_CALLED = {
    "numpy.core.multiarray.scalar": "scalar",
    "numpy._core.multiarray.scalar": "scalar",
    "numpy.core.multiarray._reconstruct": "_reconstruct",
    "numpy._core.multiarray._reconstruct": "_reconstruct",
}
_KNOWN = CLASSES | _CALLED.keys() | {_WRAPPER, _ARRAY, _DTYPE}
"""Globals that a pickle may name."""
_OBJECTS = "O8"
_SCALARS = {"<f8": "numpy.float64", "<i8": "numpy.int64"}
_FLOAT = struct.Struct(">d")
_MAX_DEPTH = 4
"""Maximum number of pickles within each other; an array of texts is one."""


@dataclass(frozen=True, slots=True)
class _Global:
    name: str


@dataclass(slots=True)
class _Dtype:
    """A NumPy type: its code, and once it is complete, the type; objects have none."""

    code: str
    dtype: np.dtype[Any] | None = None
    is_complete: bool = False


@dataclass(slots=True, eq=False)
class _NewArray:
    """An array before its state is known, and its places in the memo."""

    places: list[int] = field(default_factory=list)


class Pickle:
    """Reads one pickle.

    Args:
        data: the pickle.

    Attributes:
        arrays: of numbers, by number.
    """

    def __init__(self, data: bytes) -> None:
        self.arrays: list[NDArray[Any]] = []
        self._data, self._at, self._depth = data, 0, 0

    def root(self) -> Any:
        """Return the object that the pickle describes.

        Raises:
            NotDataError: the pickle has an opcode, a global or an object that is not known in all details.
            IndexError, KeyError, TypeError, ValueError, struct.error: it is damaged.
        """
        root = self._object()
        check(self._at == len(self._data), "bytes after the end")
        return root

    def _object(self) -> Any:
        """Return the object of a pickle that begins here."""
        self._depth += 1
        check(self._depth <= _MAX_DEPTH, "pickles within each other")
        check(self._data[self._at] == 0x80 and 2 <= self._data[self._at + 1] <= 5, "another protocol")
        self._at += 2
        machine = _Machine(self)
        while (code := self._data[self._at]) != 0x2E:
            self._at += 1
            run = _OPCODES.get(code)
            if run is None:
                raise NotDataError(f"an opcode {code:#x}")
            run(machine)
        self._at += 1
        self._depth -= 1
        (root,) = machine.stack
        return root

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        taken = self._data[self._at : self._at + size]
        check(0 <= size == len(taken), "a pickle that is cut off")
        self._at += size
        return taken

    def integer(self, size: int, *, signed: bool = False) -> int:
        """Return the next integer of so many bytes."""
        return int.from_bytes(self.take(size), "little", signed=signed)

    def line(self) -> str:
        """Return the text up to the end of the line."""
        end = self._data.index(b"\n", self._at)
        text = self.take(end - self._at).decode("ascii")
        self._at += 1
        return text

    def array(self, values: NDArray[Any]) -> Array:
        """Keep an array of numbers; return what stands for it."""
        self.arrays.append(values)
        return Array(len(self.arrays) - 1)

    def array_of_joblib(self, state: dict[str, Any]) -> Array | ObjectArray:
        """Return the array whose bytes follow."""
        keys = {"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"}
        check(state.keys() == keys and state["subclass"] == _Global(_ARRAY), "another array")
        shape, dtype = _shape(state["shape"]), state["dtype"]
        check(isinstance(dtype, _Dtype) and dtype.is_complete, "another type")
        if dtype.dtype is None:
            nested = self._object()
            check(
                isinstance(nested, ObjectArray) and (len(nested.items),) == shape, "another array of objects"
            )
            return nested  # type: ignore[no-any-return]
        check(state["numpy_array_alignment_bytes"] == 16 and state["order"] in ("C", "F"), "another order")
        self.take(self.integer(1))
        values = np.frombuffer(self.take(dtype.dtype.itemsize * math.prod(shape)), dtype.dtype)
        return self.array(values.reshape(shape, order=state["order"]))


class _Machine:
    """Stack and memo of a pickle."""

    def __init__(self, pickle: Pickle) -> None:
        self.pickle = pickle
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def keep(self, place: int) -> None:
        """Keep what is on top of the stack in the memo."""
        top = self.memo[place] = self.stack[-1]
        if isinstance(top, _NewArray):
            top.places.append(place)

    def items(self) -> list[Any]:
        """Take what is above the last mark."""
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
            check(place >= 0, "no mark")
        taken = self.stack[place + 1 :]
        del self.stack[place:]
        return taken


def _shape(shape: Any) -> tuple[int, ...]:
    is_shape = isinstance(shape, tuple) and all(type(size) is int and 0 <= size < 2**40 for size in shape)
    check(is_shape and len(shape) <= 3, "another shape")
    return tuple(shape)


def _push(value: Callable[[Pickle], Any]) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(value(machine.pickle))


def _text(size: int) -> Callable[[_Machine], None]:
    return _push(lambda pickle: pickle.take(pickle.integer(size)).decode())


def _bytes(size: int) -> Callable[[_Machine], None]:
    return _push(lambda pickle: pickle.take(pickle.integer(size)))


def _get(size: int) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(machine.memo[machine.pickle.integer(size)])


def _put(size: int) -> Callable[[_Machine], None]:
    def put(machine: _Machine) -> None:
        machine.keep(machine.pickle.integer(size))

    return put


def _memoize(machine: _Machine) -> None:
    machine.keep(len(machine.memo))


def _tuple(size: int) -> Callable[[_Machine], None]:
    def build(machine: _Machine) -> None:
        check(len(machine.stack) >= size, "too few values")
        machine.stack[-size:] = [tuple(machine.stack[-size:])]

    return build


def _tuple_of_items(machine: _Machine) -> None:
    items = machine.items()
    machine.stack.append(tuple(items))


def _pairs(items: list[Any]) -> Iterator[tuple[str, Any]]:
    check(len(items) % 2 == 0 and all(type(key) is str for key in items[::2]), "keys that are not text")
    return zip(items[::2], items[1::2], strict=True)


def _set_items(machine: _Machine) -> None:
    items = machine.items()
    check(type(machine.stack[-1]) is dict, "items of another object")
    machine.stack[-1].update(_pairs(items))


def _set_item(machine: _Machine) -> None:
    items = machine.stack[-2:]
    del machine.stack[-2:]
    check(type(machine.stack[-1]) is dict, "items of another object")
    machine.stack[-1].update(_pairs(items))


def _append_items(machine: _Machine) -> None:
    items = machine.items()
    check(type(machine.stack[-1]) is list, "items of another object")
    machine.stack[-1].extend(items)


def _append(machine: _Machine) -> None:
    item = machine.stack.pop()
    check(type(machine.stack[-1]) is list, "items of another object")
    machine.stack[-1].append(item)


def _global(machine: _Machine) -> None:
    module, name = machine.pickle.line(), machine.pickle.line()
    machine.stack.append(_known(module, name))


def _global_of_stack(machine: _Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    check(type(name) is str and type(module) is str, "a global without a name")
    machine.stack.append(_known(module, name))


def _known(module: str, name: str) -> _Global:
    known = _Global(f"{module}.{name}")
    # At once: most files of other classes name theirs first, and what follows may be long.
    check(known.name in _KNOWN, f"a global {known.name}")
    return known


def _new(machine: _Machine) -> None:
    arguments, made = machine.stack.pop(), machine.stack.pop()
    check(isinstance(made, _Global) and arguments == (), "an object with arguments")
    machine.stack.append(Described(made.name, {}))


def _call(machine: _Machine) -> None:
    arguments, called = machine.stack.pop(), machine.stack.pop()
    check(isinstance(called, _Global) and isinstance(arguments, tuple), "another call")
    machine.stack.append(_called(machine.pickle, called.name, arguments))


def _called(pickle: Pickle, name: str, arguments: tuple[Any, ...]) -> Any:
    if name == _DTYPE:
        code, align, copy = arguments
        check(type(code) is str and align is False and copy is True, "another type")
        return _Dtype(code)
    if name == TREE:
        return Described(TREE, {}, arguments)
    match _CALLED.get(name):
        case "scalar":
            dtype, data = arguments
            check(isinstance(dtype, _Dtype) and dtype.dtype is not None, "another number")
            scalar = _SCALARS[dtype.dtype.str]
            check(type(data) is bytes and len(data) == dtype.dtype.itemsize, "another number")
            number = pickle.array(np.frombuffer(data, dtype.dtype).reshape(())).number
            return Array(number, scalar)
        case "_reconstruct":
            check(arguments == (_Global(_ARRAY), (0,), b"b"), "another array")
            return _NewArray()
    raise NotDataError(f"a call of {name}")


def _build(machine: _Machine) -> None:
    state, built = machine.stack.pop(), machine.stack[-1]
    if isinstance(built, _Dtype):
        _complete(built, state)
    elif isinstance(built, _NewArray):
        array = _array_of_state(machine.pickle, state)
        machine.stack[-1] = array
        # Other places refer to the array by the memo.
        for place in built.places:
            machine.memo[place] = array
    elif isinstance(built, Described):
        check(type(state) is dict and not built.attributes, "another state")
        if built.kind == _WRAPPER:
            machine.stack[-1] = machine.pickle.array_of_joblib(state)
        else:
            built.attributes.update(state)  # type: ignore[attr-defined]
    else:
        raise NotDataError("a state of another object")


def _complete(dtype: _Dtype, state: Any) -> None:
    """Set a NumPy type from its state; see `dtype.__reduce__`."""
    check(not dtype.is_complete, "a type of two states")
    version, order, *rest = state
    if dtype.code == _OBJECTS:
        check(state == (3, "|", None, None, None, -1, -1, 63), "another type of objects")
    elif dtype.code == f"V{TREE_NODES.itemsize}":
        _, names, fields, size, alignment, flags = rest
        check(
            (version, order, names, size, flags) == (3, "|", (*TREE_FIELDS,), TREE_NODES.itemsize, 16)
            and alignment in (1, 8)
            and fields.keys() == TREE_FIELDS.keys(),
            "other fields",
        )
        for place, (name, code) in enumerate(TREE_FIELDS.items()):
            kind, offset = fields[name]
            check(
                isinstance(kind, _Dtype) and kind.dtype == np.dtype(code) and offset == 8 * place, "a field"
            )
        dtype.dtype = TREE_NODES
    else:
        check(version == 3 and rest == [None, None, None, -1, -1, 0], "another type")
        dtype.dtype = PLAIN_TYPES[f"{order}{dtype.code}"]
    dtype.is_complete = True


def _array_of_state(pickle: Pickle, state: Any) -> Array | ObjectArray:
    version, shape, dtype, is_fortran, content = state
    shape = _shape(shape)
    check(version == 1 and isinstance(dtype, _Dtype) and dtype.is_complete, "another array")
    if dtype.dtype is None:
        check(type(content) is list and shape == (len(content),), "another array of objects")
        return ObjectArray(tuple(content))
    check(type(content) is bytes and type(is_fortran) is bool, "another array")
    check(len(content) == dtype.dtype.itemsize * math.prod(shape), "an array of another size")
    values = np.frombuffer(content, dtype.dtype)
    return pickle.array(values.reshape(shape, order="F" if is_fortran else "C"))


def _skip_length_of_frame(machine: _Machine) -> None:
    machine.pickle.take(8)


_OPCODES: dict[int, Callable[[_Machine], None]] = {
    ord("("): lambda machine: machine.stack.append(_MARK),
    ord(")"): lambda machine: machine.stack.append(()),
    ord("]"): lambda machine: machine.stack.append([]),
    ord("}"): lambda machine: machine.stack.append({}),
    ord("N"): lambda machine: machine.stack.append(None),
    0x88: lambda machine: machine.stack.append(True),
    0x89: lambda machine: machine.stack.append(False),
    ord("K"): _push(lambda pickle: pickle.integer(1)),
    ord("M"): _push(lambda pickle: pickle.integer(2)),
    ord("J"): _push(lambda pickle: pickle.integer(4, signed=True)),
    0x8A: _push(lambda pickle: pickle.integer(pickle.integer(1), signed=True)),
    ord("G"): _push(lambda pickle: _FLOAT.unpack(pickle.take(8))[0]),
    0x8C: _text(1),
    ord("X"): _text(4),
    0x8D: _text(8),
    ord("C"): _bytes(1),
    ord("B"): _bytes(4),
    0x8E: _bytes(8),
    0x94: _memoize,
    ord("q"): _put(1),
    ord("r"): _put(4),
    ord("h"): _get(1),
    ord("j"): _get(4),
    0x85: _tuple(1),
    0x86: _tuple(2),
    0x87: _tuple(3),
    ord("t"): _tuple_of_items,
    ord("u"): _set_items,
    ord("s"): _set_item,
    ord("e"): _append_items,
    ord("a"): _append,
    ord("c"): _global,
    0x93: _global_of_stack,
    0x81: _new,
    ord("R"): _call,
    ord("b"): _build,
    0x95: _skip_length_of_frame,
}
"""By opcode, what it does; others are refused."""
