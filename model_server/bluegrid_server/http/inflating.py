"""Decompression of request bodies by their `Content-Encoding` (RFC 9110, 8.4)."""

from __future__ import annotations

import zlib

from bluegrid_server.errors import EncodingError, InputError

_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""By encoding: the value of `wbits` that selects the format in zlib."""
_MAX_MEMBERS = 100
"""Maximum members of a gzip body: clients write one, tools that append a few. Empty ones cost only time."""


class Inflating:
    """Decompresses a body as it arrives, up to a limit, so that a small body cannot fill the memory.

    Args:
        encoding: the value of `Content-Encoding`.
        limit: maximum size of the decompressed body, in bytes.

    Raises:
        EncodingError: the encoding is not supported.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        window = _WINDOWS.get(encoding.strip().lower())
        if window is None:
            known = "gzip, deflate"
            raise EncodingError(f"Content-Encoding: {encoding!r} is not known here; send {known} or none")
        self._encoding, self._window, self._limit = encoding, window, limit
        self._stream, self._members = zlib.decompressobj(window), 1

    def add(self, data: bytes) -> bytes:
        """Return what this data decompresses to, in all at most one byte more than the limit.

        Raises:
            InputError: the data is not of this encoding.
        """
        parts: list[bytes] = []
        while data and self._limit >= 0:
            if self._stream.eof:
                self._begin_member()
            try:
                parts.append(self._stream.decompress(data, self._limit + 1))
            except zlib.error as error:
                raise InputError(f"the body is not {self._encoding}: {error}") from None
            self._limit -= len(parts[-1])
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        return b"".join(parts)

    def _begin_member(self) -> None:
        self._stream, self._members = zlib.decompressobj(self._window), self._members + 1
        if self._members > _MAX_MEMBERS:
            raise InputError(f"the body has over {_MAX_MEMBERS} {self._encoding} members; send it as one")

    def check_end(self) -> None:
        """Raise InputError if the body has ended too early."""
        if not self._stream.eof:
            raise InputError(f"the body is not {self._encoding}: it ends too early")
