"""Requests and responses as bytes on a socket between the front and a worker.

    number     uint32   of the request; UP: an event of the worker
    kind       uint16   of a request; the HTTP status of a response
    is last    uint16   whether the response is complete with this frame
    head size  uint32
    body size  uint32
    head       JSON     [uid, json_length] of a request; the headers of a response, empty for JSON_HEADERS
    body       bytes

Numbers are little-endian.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import orjson

from bluegrid_server.protocol.requests import JSON_HEADERS, Kind, Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGE = 2**17
"""Maximum size of a message between front and fork server, in bytes."""

UP = 0
"""Number of frames that carry an event of the worker; see `control.py`."""

_FRAME = struct.Struct("<IHHII")
"""The fixed part of a frame; see the module's docstring."""


def request_bytes(number: int, request: Request) -> bytes:
    """Return a request as a frame."""
    head = orjson.dumps((request.uid, request.json_length))
    return b"".join((_FRAME.pack(number, request.kind, 1, len(head), len(request.body)), head, request.body))


def response_bytes(number: int, response: Response) -> bytes:
    """Return a response, or a piece of one, as a frame."""
    # Nearly all responses have JSON_HEADERS, which an empty head stands for.
    head = b"" if response.headers is JSON_HEADERS else orjson.dumps(response.headers)
    frame = _FRAME.pack(number, response.status, response.is_last, len(head), len(response.body))
    return b"".join((frame, head, response.body))


class Frames:
    """Assembles frames from bytes that arrive in pieces of any size."""

    def __init__(self) -> None:
        self._data = bytearray()

    def requests(self, data: bytes) -> Iterator[tuple[int, Request]]:
        """Yield the requests that are complete with these bytes, each with its number."""
        for number, kind, _, head, body in self._complete_frames(data):
            uid, json_length = orjson.loads(head)
            yield number, Request(Kind(kind), uid, body, json_length)

    def responses(self, data: bytes) -> Iterator[tuple[int, Response]]:
        """Yield the responses that are complete with these bytes, each with its request's number."""
        for number, status, is_last, head, body in self._complete_frames(data):
            headers = orjson.loads(head) if head else JSON_HEADERS
            yield number, Response(body, status, headers, bool(is_last))

    def _complete_frames(self, data: bytes) -> Iterator[tuple[int, int, int, bytes, bytes]]:
        is_continued = bool(self._data)
        if is_continued:
            self._data += data
        # Nearly always, frames arrive whole, and need not be copied to be assembled.
        arrived = self._data if is_continued else data
        start = 0
        while len(arrived) - start >= _FRAME.size:
            number, status, is_last, head_size, body_size = _FRAME.unpack_from(arrived, start)
            head = start + _FRAME.size
            body = head + head_size
            end = body + body_size
            if end > len(arrived):
                break
            yield number, status, is_last, bytes(arrived[head:body]), bytes(arrived[body:end])
            start = end
        if is_continued:
            del self._data[:start]
        else:
            self._data += data[start:]
