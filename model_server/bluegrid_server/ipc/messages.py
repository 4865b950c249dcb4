"""What the front asks a worker, what it gets back, and both as bytes on a socket."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from bluegrid_server.errors import RequestError

JSON = "application/json"

JSON_HEADERS: Mapping[str, str] = MappingProxyType({"content-type": JSON})

MESSAGE = 2**17
"""Bytes of the longest message between front and fork server."""

UP = 0
"""Number of the frames in which a worker reports by itself; see `control.py`."""


class Kind(IntEnum):
    """What a call asks for."""

    INFER = 1
    """The answer of the model `uid` to a request of the Open Inference Protocol."""
    BATCH = 2
    """The answers of many models."""
    PREDICT = 3
    """The answer in the form for people; the body names the model."""
    DESCRIBE = 4
    """What the model `uid` takes and gives."""
    STATES = 5
    """The state of every model, and why: `{uid: [state, reason]}`."""
    STATE = 6
    """The same of the model `uid`."""
    LOAD = 7
    """The model `uid` in memory."""
    UNLOAD = 8
    """The model `uid` out of memory, until it is loaded again."""


@dataclass(slots=True)
class Call:
    """A request, as a worker gets it.

    Attributes:
        kind: what is asked for.
        uid: the model, where the path names it.
        body: the request's body, unparsed.
        json_length: how many bytes of the body are JSON, as the header says; None: all.
    """

    kind: Kind
    uid: str = ""
    body: bytes = b""
    json_length: str | None = None


@dataclass(slots=True)
class Part:
    """An answer, or the next piece of one; status and headers are those of the first.

    Attributes:
        body: bytes of the answer's body.
        status: HTTP status.
        headers: HTTP headers.
        is_last: whether the answer is whole with it.
    """

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_HEADERS)
    is_last: bool = True


@dataclass(slots=True)
class Reply:
    """An answer: its first part, and those that follow if that is not the last."""

    first: Part
    rest: AsyncIterator[Part] | None = None


def refusal(error: RequestError) -> Part:
    """The answer to a request that cannot be answered."""
    return Part(orjson.dumps({"error": str(error)}), error.status, {"content-type": JSON, **error.headers})


_FRAME = struct.Struct("<IHHII")
"""Number of the call; kind or status; whether it is the last; lengths of head and body."""


def call_bytes(number: int, call: Call) -> bytes:
    """Return a call as bytes."""
    head = orjson.dumps((call.uid, call.json_length))
    return b"".join((_FRAME.pack(number, call.kind, 1, len(head), len(call.body)), head, call.body))


def part_bytes(number: int, part: Part) -> bytes:
    """Return a part of the answer to a call as bytes."""
    # Of nearly all answers; nothing says so in fewer bytes.
    head = b"" if part.headers is JSON_HEADERS else orjson.dumps(part.headers)
    frame = _FRAME.pack(number, part.status, part.is_last, len(head), len(part.body))
    return b"".join((frame, head, part.body))


class Frames:
    """Bytes that come in any portions, put together again."""

    def __init__(self) -> None:
        self._data = bytearray()

    def calls(self, data: bytes) -> Iterator[tuple[int, Call]]:
        """Return the calls that are whole with these bytes, each with its number."""
        for number, kind, _, head, body in self._whole(data):
            uid, json_length = orjson.loads(head)
            yield number, Call(Kind(kind), uid, body, json_length)

    def parts(self, data: bytes) -> Iterator[tuple[int, Part]]:
        """Return the parts of answers that are whole with these bytes, each with its call's number."""
        for number, status, is_last, head, body in self._whole(data):
            headers = orjson.loads(head) if head else JSON_HEADERS
            yield number, Part(body, status, headers, bool(is_last))

    def _whole(self, data: bytes) -> Iterator[tuple[int, int, int, bytes, bytes]]:
        self._data += data
        start = 0
        while len(self._data) - start >= _FRAME.size:
            number, status, is_last, head_size, body_size = _FRAME.unpack_from(self._data, start)
            head = start + _FRAME.size
            body = head + head_size
            end = body + body_size
            if end > len(self._data):
                break
            yield number, status, is_last, bytes(self._data[head:body]), bytes(self._data[body:end])
            start = end
        del self._data[:start]
