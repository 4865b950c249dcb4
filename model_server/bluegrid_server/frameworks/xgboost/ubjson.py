"""UBJSON as XGBoost writes it: objects whose keys have lengths of 8 bytes, and arrays with a count.

https://github.com/dmlc/xgboost/blob/master/src/common/json.cc (UBJWriter); https://ubjson.org
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from bluegrid_server.frameworks.not_data import NotDataError, check

_LENGTH = struct.Struct(">q")
_SCALARS = {
    b"i": struct.Struct(">b"),
    b"U": struct.Struct(">B"),
    b"I": struct.Struct(">h"),
    b"l": struct.Struct(">i"),
    b"L": struct.Struct(">q"),
    b"d": struct.Struct(">f"),
}
_ARRAYS = {b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4"}
_MAX_DEPTH = 16
"""Maximum number of objects and arrays within each other; those of trees are at 7."""


def document_of(data: bytes) -> Any:
    """Return the document: objects as dicts, arrays of one type as NumPy's, other arrays as lists.

    Raises:
        NotDataError: it has what XGBoost does not write.
        struct.error, UnicodeError, ValueError: it is damaged.
    """
    reader = _Reader(data)
    document = reader.value(0)
    check(reader.at == len(data), "more than a document")
    return document


class _Reader:
    """Reads a document from its beginning.

    Attributes:
        at: place of the next byte.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def value(self, depth: int) -> Any:
        """Return the value that begins here, which is within so many others."""
        check(depth <= _MAX_DEPTH, "objects within each other")
        kind = self._take(1)
        if kind == b"{":
            return self._object(depth)
        if kind == b"[":
            return self._array(depth)
        if kind == b"S":
            check(self._take(1) == b"L", "a text without a length")
            return self._text()
        scalar = _SCALARS.get(kind)
        if scalar is None:
            raise NotDataError(f"a value of type {kind!r}")
        return scalar.unpack(self._take(scalar.size))[0]

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (begin := self._take(1)) != b"}":
            check(begin == b"L", "a key without a length")
            key = self._text()
            check(key not in found, "a key twice")
            found[key] = self.value(depth + 1)
        return found

    def _array(self, depth: int) -> Any:
        begin = self._take(1)
        kind = None
        if begin == b"$":
            kind, begin = self._take(1), self._take(1)
        check(begin == b"#" and self._take(1) == b"L", "an array without a count")
        count = self._length()
        if kind is None:
            return [self.value(depth + 1) for _ in range(count)]
        dtype = np.dtype(_ARRAYS[kind])
        return np.frombuffer(self._take(count * dtype.itemsize), dtype)

    def _text(self) -> str:
        return self._take(self._length()).decode()

    def _length(self) -> int:
        length: int = _LENGTH.unpack(self._take(_LENGTH.size))[0]
        # Every element takes a byte.
        check(0 <= length <= len(self._data) - self.at, "a length beyond the end")
        return length

    def _take(self, size: int) -> bytes:
        end = self.at + size
        check(end <= len(self._data), "an end within a value")
        taken = self._data[self.at : end]
        self.at = end
        return taken
