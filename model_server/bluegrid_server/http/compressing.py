"""Compression of responses for clients that ask for it by `Accept-Encoding` (RFC 9110, 12.5.3).

Many HTTP libraries always ask. So only responses of some size whose beginning shrinks are compressed: JSON
becomes half as long, at 90 MB a second and core; binary FP64 tensors hardly shrink, and are sent as they are.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALLEST = 2**14
"""Minimum size of a response that is compressed, in bytes: smaller ones fit into a few packets."""
CODINGS = {"gzip": 31, "deflate": 15}
"""By coding, the better known first: the value of `wbits` that selects the format in zlib."""

_LEVEL = 1
"""Level of zlib: level 6 takes six times as long and saves another tenth."""
_WORTHWHILE = 0.8
"""Maximum size of the compressed beginning of a response that is compressed, as a share."""
_IN_THIS_THREAD = 2**16
"""Maximum size to compress in the event loop's thread, in bytes: this takes less than a millisecond."""
_QUALITY = re.compile(r"^\s*q\s*=\s*(0(?:\.\d*)?|1(?:\.0*)?)\s*$", re.IGNORECASE)


def coding_for(accepted: bytes, body: bytes) -> str | None:
    """Return the coding of a response.

    Args:
        accepted: the request's Accept-Encoding.
        body: the response, or its first piece.

    Returns:
        One of CODINGS; None: the response is sent as it is.
    """
    if len(body) < SMALLEST:
        return None
    coding = _preferred(accepted.decode("latin-1"))
    if coding is None:
        return None
    beginning = body[:SMALLEST]
    return coding if len(zlib.compress(beginning, _LEVEL)) <= _WORTHWHILE * len(beginning) else None


def _preferred(accepted: str) -> str | None:
    qualities: dict[str, float] = {}
    for item in accepted.lower().split(","):
        name, _, parameter = item.partition(";")
        match = _QUALITY.match(parameter)
        qualities[name.strip()] = float(match[1]) if match else 1.0
    others = qualities.get("*", 0.0)
    coding = max(CODINGS, key=lambda name: qualities.get(name, others))
    quality = qualities.get(coding, others)
    return coding if quality > 0 and quality >= qualities.get("identity", 0.0) else None


def headers_of(coding: str) -> dict[str, str]:
    """Return the headers of a response in a coding."""
    return {"content-encoding": coding, "vary": "Accept-Encoding"}


class Deflating:
    """Compresses a response piece by piece."""

    def __init__(self, coding: str) -> None:
        self._stream = zlib.compressobj(_LEVEL, wbits=CODINGS[coding])

    async def add(self, data: bytes, *, is_last: bool) -> bytes:
        """Return what is to be sent for this data: all of it, so that the client can read on."""
        if len(data) <= _IN_THIS_THREAD:
            return self._add(data, is_last=is_last)
        # zlib releases the interpreter's lock.
        return await asyncio.to_thread(self._add, data, is_last=is_last)

    def _add(self, data: bytes, *, is_last: bool) -> bytes:
        end = zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH
        return self._stream.compress(data) + self._stream.flush(end)


class Compressing:
    """An application whose responses are compressed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application; compress its response if the client asks for it and it is worthwhile."""
        accepted = [value for name, value in scope.get("headers", ()) if name == b"accept-encoding"]
        if accepted:
            send = _CompressedSend(send, b",".join(accepted)).send
        await self._app(scope, receive, send)


class _CompressedSend:
    """The `send` of one response."""

    def __init__(self, send: Send, accepted: bytes) -> None:
        self._send, self._accepted = send, accepted
        self._start: Message | None = None
        self._deflating: Deflating | None = None

    async def send(self, message: Message) -> None:
        """Send a message; the head of a response is held back until its first piece is known."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        body, is_last = message.get("body", b""), not message.get("more_body", False)
        start, self._start = self._start, None
        coding = None if start is None else coding_for(self._accepted, body)
        if coding is not None:
            self._deflating = Deflating(coding)
        if self._deflating is not None:
            message = {**message, "body": await self._deflating.add(body, is_last=is_last)}
        if start is not None:
            if coding is not None:
                length = len(message["body"]) if is_last else None
                start = {**start, "headers": _changed(start["headers"], coding, length)}
            await self._send(start)
        await self._send(message)


def _changed(
    headers: Iterable[tuple[bytes, bytes]], coding: str, length: int | None
) -> list[tuple[bytes, bytes]]:
    """Return the headers of a response in a coding; its length is None as long as it is not known."""
    others = [header for header in headers if header[0].lower() != b"content-length"]
    own = [(name.encode(), value.encode()) for name, value in headers_of(coding).items()]
    return [*others, *own, *([] if length is None else [(b"content-length", str(length).encode())])]
