"""Bodies of requests that come compressed, as `Content-Encoding` says (RFC 9110, 8.4)."""

from __future__ import annotations

import zlib

from bluegrid_server.errors import EncodingError, InputError

_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""The value of `wbits` by which zlib knows the format."""
_MOST_MEMBERS = 100
"""Of a gzip body: clients write one, and tools that append some. Empty ones take time, and no room."""


class Inflating:
    """Takes a body apart as it arrives, up to a limit: what a small body blows up to is never held.

    Args:
        encoding: the value of `Content-Encoding`.
        limit: bytes that may come out of it.

    Raises:
        EncodingError: the encoding is not known here.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        window = _WINDOWS.get(encoding.strip().lower())
        if window is None:
            known = "gzip, deflate"
            raise EncodingError(f"Content-Encoding: {encoding!r} is not known here; send {known} or none")
        self._encoding, self._window, self._limit = encoding, window, limit
        self._stream, self._members = zlib.decompressobj(window), 1

    def add(self, data: bytes) -> bytes:
        """Return what comes out with this data; one byte more than the limit where there is more.

        Raises:
            InputError: it is not what the encoding says.
        """
        parts: list[bytes] = []
        while data and self._limit >= 0:
            if self._stream.eof:
                self._begin_member()
            try:
                parts.append(self._stream.decompress(data, self._limit + 1))
            except zlib.error as error:
                raise InputError(f"the body is no {self._encoding}: {error}") from None
            self._limit -= len(parts[-1])
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        return b"".join(parts)

    def _begin_member(self) -> None:
        self._stream, self._members = zlib.decompressobj(self._window), self._members + 1
        if self._members > _MOST_MEMBERS:
            raise InputError(f"the body has over {_MOST_MEMBERS} {self._encoding} members; send it as one")

    def check_end(self) -> None:
        """Raise InputError where the body has ended too early."""
        if not self._stream.eof:
            raise InputError(f"the body is no {self._encoding}: it ends too early")
