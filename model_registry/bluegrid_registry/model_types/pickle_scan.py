"""Pickles, with or without joblib's arrays: finding the names in them, and loading them by an allowlist.

A pickle is a program. It can only run code by naming a module's attribute, a "global", and calling it.
`globals_of` runs the program with every global replaced by an inert object that does nothing when called;
`object_of` returns what such a run builds; `load` runs the program with allowed globals only. Exact names are
compared; a name with dots is always refused.
"""

from __future__ import annotations

import importlib
import io
import math
import pickle
import re
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from bluegrid_registry.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CORE_OF_NUMPY_1 = re.compile(r"^numpy\.core(?=\.|$)")
"""These modules have another name in NumPy 2, where the old name gives a warning."""

JOBLIB_ARRAY = "joblib.numpy_pickle.NumpyArrayWrapper"
"""Placeholder of an array; joblib writes the array's bytes after it, in the middle of the pickle."""

ENCODE = "_codecs.encode"
"""The function by which protocol 2 writes bytes. `load` never looks it up, and always allows its stand-in."""


def globals_of(data: bytes) -> frozenset[str]:
    """Return the globals that a pickle names, such as `sklearn.linear_model._ridge.Ridge`; run none of them.

    Raises:
        FormatError: the pickle cannot be read, has bytes after its end, or names a global in an unknown way.
    """
    found: set[str] = set()
    _run(_Scanner, data, found)
    return frozenset(found)


def object_of(data: bytes) -> Any:
    """Return the object that a pickle builds, of plain data and an `Inert` for each object of a class.

    Raises:
        FormatError: as `globals_of`.
    """
    return _run(_Builder, data, set())


def _run(scanner: type[_Scanner], data: bytes, found: set[str]) -> Any:
    file = io.BytesIO(data)
    try:
        built = scanner(file, found).load()
    except FormatError:
        raise
    # A hostile pickle can make an unpickler raise any exception.
    except Exception as error:  # noqa: BLE001
        named = f" (it names {', '.join(sorted(found))})" if found else ""
        raise FormatError(f"is not a readable pickle: {type(error).__name__}: {error}{named}") from None
    if file.tell() != len(data):
        raise FormatError(f"goes on for {len(data) - file.tell()} bytes after the end of the pickle")
    return built


def load(
    data_or_path: bytes | Path, allowed: frozenset[str], stand_ins: Mapping[str, Any] | None = None
) -> Any:
    """Load a pickle whose globals are all in `allowed`; if it names another global, none is called.

    Args:
        data_or_path: a pickle, or the file that holds one.
        allowed: names such as `sklearn.linear_model._ridge.Ridge`.
        stand_ins: by name, what an allowed global is replaced with; the global itself is never looked up.

    Raises:
        FormatError: the pickle names another global, or cannot be read.
        Exception: the named classes may raise any exception.
    """
    data = data_or_path.read_bytes() if isinstance(data_or_path, Path) else data_or_path
    found = globals_of(data)
    if forbidden := found - allowed - {ENCODE}:
        raise FormatError(f"names {', '.join(sorted(forbidden))}, which is not allowed")
    unpickler = _joblib_unpickler if JOBLIB_ARRAY in found else _Unpickler
    return unpickler(io.BytesIO(data), allowed, stand_ins or {}).load()


def _name(module: str, name: str) -> tuple[str, str]:
    """Return a global's names in Python 3 and NumPy 2; FormatError if the name is a path."""
    module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
    module = _CORE_OF_NUMPY_1.sub("numpy._core", module)
    if not (name.isidentifier() and all(part.isidentifier() for part in module.split("."))):
        raise FormatError(f"names {name!a} of {module!a}, which is a path and not a name")
    return module, name


def _find(module: str, name: str, allowed: frozenset[str], stand_ins: Mapping[str, Any]) -> Any:
    module, name = _name(module, name)
    if f"{module}.{name}" == ENCODE:
        return _bytes_of_protocol_2
    if f"{module}.{name}" not in allowed:
        raise FormatError(f"names {module}.{name}, which is not allowed")
    if f"{module}.{name}" in stand_ins:
        return stand_ins[f"{module}.{name}"]
    return getattr(importlib.import_module(module), name)


def _bytes_of_protocol_2(text: str, encoding: str) -> bytes:
    """Return bytes that are written as text; other encodings would be looked up by name."""
    if encoding != "latin1":
        raise FormatError(f"has bytes as text in {encoding!a}; pickle writes latin1")
    return text.encode("latin1")


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, allowed: frozenset[str], stand_ins: Mapping[str, Any]) -> None:
        super().__init__(file)
        self._allowed = allowed
        self._stand_ins = stand_ins

    def find_class(self, module: str, name: str) -> Any:
        return _find(module, name, self._allowed, self._stand_ins)


def _joblib_unpickler(file: io.BytesIO, allowed: frozenset[str], stand_ins: Mapping[str, Any]) -> Any:
    # joblib and NumPy are imported only for models that need them.
    joblib = importlib.import_module("joblib.numpy_pickle")
    unpickler = joblib.NumpyUnpickler("", file, ensure_native_byte_order=True)
    # joblib passes this attribute to the unpickler of the pickle within an array of objects.
    unpickler.find_class = lambda module, name: _find(module, name, allowed, stand_ins)
    return unpickler


class Inert:
    """Replaces every global; neither it nor its results do anything when called or changed."""

    name: ClassVar[str] = ""
    """The global's name, if `object_of` built the object."""
    args: tuple[Any, ...]
    state: Any = None
    """What the pickle says about the object, usually its attributes by name."""

    def __new__(cls, *args: Any, **_: Any) -> Self:  # noqa: D102 - as pickle calls it
        inert = super().__new__(cls)
        inert.args = args
        return inert

    def __call__(self, *_: Any, **__: Any) -> Self:  # noqa: D102
        return self

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, _: Any) -> None:  # noqa: D102
        pass

    extend = add = append


class _Tuple(tuple[Any, ...]):
    """A tuple of a scanned pickle, hashed by identity: nested ones may take exponential time otherwise."""

    __slots__ = ()
    __hash__ = object.__hash__


_PythonUnpickler: Any = vars(pickle)["_Unpickler"]
_Stop: Any = vars(pickle)["_Stop"]

_MOST_DIMENSIONS = 64
"""Most dimensions of an array in NumPy 2."""


def _hashed_by_identity(build: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return the method of an opcode that builds a `_Tuple` where `build` leaves a tuple."""

    def build_tuple(unpickler: Any) -> None:
        build(unpickler)
        unpickler.stack[-1] = _Tuple(unpickler.stack[-1])

    return build_tuple


_TUPLES = {
    code: _hashed_by_identity(_PythonUnpickler.dispatch[code])
    for code in pickle.TUPLE + pickle.TUPLE1 + pickle.TUPLE2 + pickle.TUPLE3
}
"""Methods of the opcodes that build tuples."""


class _Scanner(_PythonUnpickler):  # type: ignore[misc]
    """Python's own unpickler with inert globals, so that every opcode is read as in loading.

    It reads bytes one after the other, which takes two thirds of the time. A frame says how many of the next
    bytes an unpickler may read at once. That matters only where other bytes of the file are read then: at the
    next frame, at an array of joblib, and after the end. There it must have ended, as all writers have it.
    """

    dispatch: ClassVar[dict[int, Callable[[_Scanner], None]]] = {**_PythonUnpickler.dispatch, **_TUPLES}

    def __init__(self, file: io.BytesIO, found: set[str]) -> None:
        super().__init__(file)
        self._file = file
        self._found = found
        self._frame_end = 0

    def load(self) -> Any:
        """Return what the pickle builds; see `pickle._Unpickler.load`."""
        read = self.read = self._file.read
        self.readline = self._file.readline
        self.metastack: list[Any] = []
        self.stack: list[Any] = []
        self.append = self.stack.append
        self.proto = 0
        dispatch = self.dispatch
        try:
            while opcode := read(1):
                dispatch[opcode[0]](self)
        except _Stop as stop:
            self._end_frame("ends")
            return stop.value
        raise EOFError

    def _frame(self) -> None:
        self._end_frame("begins a frame")
        self._frame_end = int.from_bytes(self.read(8), "little") + self._file.tell()

    dispatch[pickle.FRAME[0]] = _frame

    def _end_frame(self, fault: str) -> None:
        if self._file.tell() < self._frame_end:
            raise FormatError(f"{fault} within a frame")

    def find_class(self, module: str, name: str) -> type[Inert]:
        full = ".".join(_name(module, name))
        self._found.add(full)
        if full != JOBLIB_ARRAY:
            return Inert
        return type(name, (Inert,), {"__setstate__": lambda _, state: self._pass_array(state)})

    def persistent_load(self, _: Any) -> Any:
        raise FormatError("refers to an object outside of the pickle")

    def get_extension(self, code: int) -> Any:
        raise FormatError(f"names a global by the extension code {code}")

    def _byte_array(self) -> None:
        # The original method would allocate as much memory as the pickle claims.
        size = int.from_bytes(self.read(8), "little")
        self.append(bytearray(self.read(min(size, len(self._file.getbuffer())))))

    dispatch[pickle.BYTEARRAY8[0]] = _byte_array

    def _pass_array(self, state: dict[str, Any]) -> None:
        """Skip the bytes of an array that joblib's `NumpyArrayWrapper.read_array` reads."""
        item_bytes, has_objects = _dtype(state["dtype"])
        shape = state["shape"]
        # The product of other numbers, or of more, may take hours.
        if len(shape) > _MOST_DIMENSIONS or any(
            type(size) is not int or not 0 <= size < 2**63 for size in shape
        ):
            raise FormatError("holds an array of an impossible shape")
        self._end_frame("has an array of joblib")
        if has_objects:
            _Scanner(self._file, self._found).load()
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            self._file.seek(self._file.read(1)[0], io.SEEK_CUR)
        self._file.seek(item_bytes * math.prod(shape), io.SEEK_CUR)


class _Builder(_Scanner):
    """A scanner whose inert objects know which global they replace."""

    def find_class(self, module: str, name: str) -> type[Inert]:
        inert = super().find_class(module, name)
        return type(inert.__name__, (inert,), {"name": ".".join(_name(module, name))})


def _dtype(dtype: Inert) -> tuple[int, bool]:
    """Return the size of an item, and whether it holds Python objects; see NumPy's `dtype.__reduce__`."""
    code, (_, _, _, _, _, item_bytes, _, flags, *_) = dtype.args[0], dtype.state
    return (item_bytes if item_bytes >= 0 else int(code[1:])), code[0] == "O" or bool(flags & 1)
