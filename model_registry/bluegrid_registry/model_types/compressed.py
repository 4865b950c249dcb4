"""Decompresses model files that were compressed as a whole, as `joblib.dump(model, file, compress=3)` does.

Packs are compressed anyway, so a store holds every pickle as plain bytes: one form to scan, to load and to
find again. Only the stream is decompressed; nothing in it is loaded. joblib writes a pickle into a compressed
file that it also reads as a plain one.
"""

from __future__ import annotations

import bz2
import importlib
import io
import lzma
import re
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from bluegrid_registry.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE_BYTES = 2**20
"""Bytes that are read, and bytes that are decompressed, at a time: a bomb never takes more than the limit."""

_FIRST_BYTES = 2**12
"""Bytes of a part that are read first: what lies behind the part is read again, so it must not be much."""

_NOT_ZERO = re.compile(rb"[^\0]")

_MAX_WINDOW_BYTES = 256 * 2**20
"""Memory for the window of lzma and xz; their highest preset, 9, needs 65 MiB."""

_ZLIB_OR_GZIP = zlib.MAX_WBITS + 32


class _Decompressor(Protocol):
    """What the decompressors of the standard library have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Zlib:
    """`zlib.decompressobj` with the interface of the other decompressors."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(_ZLIB_OR_GZIP)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self.needs_input = not self._inner.unconsumed_tail and len(piece) < max_length
        return piece


def _lzma() -> _Decompressor:
    return lzma.LZMADecompressor(memlimit=_MAX_WINDOW_BYTES)


def _lz4() -> _Decompressor:
    try:
        decompressor: _Decompressor = importlib.import_module("lz4.frame").LZ4FrameDecompressor()
    except ImportError:
        raise FormatError(
            "is compressed with lz4, which is not installed here: install the package lz4, or save the model "
            "with compress=0"
        ) from None
    return decompressor


class _Compression(NamedTuple):
    name: str
    first_bytes: tuple[bytes, ...]
    decompressor: Callable[[], _Decompressor]


_COMPRESSIONS = (
    _Compression("zlib", (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"), _Zlib),
    _Compression("gzip", (b"\x1f\x8b",), _Zlib),
    _Compression("bzip2", (b"BZh",), bz2.BZ2Decompressor),
    _Compression("xz", (b"\xfd7zXZ",), _lzma),
    _Compression("lzma", (b"]\0\0",), _lzma),
    _Compression("lz4", (b"\x04\x22M\x18",), _lz4),
)
"""The compressions that joblib writes; no plain pickle begins with these bytes."""


def plain(data: bytes, limit: int) -> bytes:
    """Return a file's decompressed bytes, or the file's own bytes if it is not compressed.

    Args:
        data: the file.
        limit: the most bytes that the file may decompress to.

    Raises:
        FormatError: the file is damaged or cut off, decompresses to more than `limit` bytes, or needs a
            library that is not installed; the message continues "model <uid>".
    """
    for compression in _COMPRESSIONS:
        if data.startswith(compression.first_bytes):
            return _decompressed(data, compression, limit)
    return data


def _decompressed(data: bytes, compression: _Compression, limit: int) -> bytes:
    output = io.BytesIO()
    position = _decompress_part(data, 0, compression, output, limit)
    # A file may consist of several compressed parts, one after the other, and end with zeros.
    while _NOT_ZERO.search(data, position):
        if not data.startswith(compression.first_bytes, position):
            raise FormatError(
                f"has {len(data) - position} bytes after the end of its {compression.name} data; "
                "save it again"
            )
        position = _decompress_part(data, position, compression, output, limit)
    if not output.tell():
        raise FormatError(f"is {compression.name} data of nothing; save it again")
    # Not a copy: the buffer becomes the bytes.
    return output.getvalue()


def _decompress_part(
    data: bytes, position: int, compression: _Compression, output: io.BytesIO, limit: int
) -> int:
    """Decompress the part that begins at `position`; return the position of its end."""
    decompressor, size = compression.decompressor(), _FIRST_BYTES
    while not decompressor.eof:
        fed = b""
        if decompressor.needs_input:
            fed = data[position : position + size]
            position, size = position + len(fed), min(2 * size, _PIECE_BYTES)
            if not fed:
                raise FormatError(f"is cut off: its {compression.name} data have no end; save it again")
        output.write(_piece(decompressor, fed, compression.name))
        if output.tell() > limit:
            raise FormatError(
                f"is {len(data)} bytes of {compression.name} data that grow beyond {limit} bytes; "
                "is it a model?"
            )
    return position - len(decompressor.unused_data or b"")


def _piece(decompressor: _Decompressor, fed: bytes, name: str) -> bytes:
    # Each library has an error of its own; lz4 raises RuntimeError.
    errors: tuple[type[Any], ...] = (zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError)
    try:
        return decompressor.decompress(fed, _PIECE_BYTES)
    except errors as error:
        raise FormatError(f"is damaged: its {name} data: {error}; save it again") from None
