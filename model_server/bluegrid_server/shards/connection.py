"""A connection to a pod of another shard: HTTP/1.1, one request at a time."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

import httptools

from bluegrid_server.errors import TooLargeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_BUFFERED = 2**18
"""Bytes of an answer that wait for their reader before the connection stops reading."""

_LARGEST_HEAD = 2**16
"""Maximum size of an answer's head, in bytes; heads of ours have some 500."""

_DEAD_AFTER = 10
"""Seconds after which a host that acknowledges nothing is taken for dead, such as a node without power."""


class ConnectionEnded(Exception):  # noqa: N818 - named after the fault
    """The connection ended before the answer was complete."""


class Allowance:
    """The bytes that answers may have together, because they are in memory at once.

    Args:
        size: number of bytes.
    """

    def __init__(self, size: int) -> None:
        self._size = self._left = size

    def take(self, size: int) -> None:
        """Count bytes of an answer; raise TooLargeError if there are too many."""
        self._left -= size
        if self._left < 0:
            raise TooLargeError(f"the answers of the shards have over {self._size} bytes; split the request")


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """The head of an answer; `body` yields the rest.

    Attributes:
        status: HTTP status.
        headers: as sent, names in lower case.
        body: the pieces of the body; raises ConnectionEnded if it is cut off.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: AsyncIterator[bytes]

    async def whole(self, allowance: Allowance | None = None) -> bytes:
        """Return the body; raise TooLargeError if it has more bytes than are allowed."""
        pieces = []
        async for piece in self.body:
            pieces.append(piece)
            if allowance is not None:
                allowance.take(len(piece))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class PeerConnection(asyncio.Protocol):
    """The client's side of a connection.

    Attributes:
        is_open: whether another request can be sent, after the answer to the last one.
        began: when the connection was made, by the event loop's clock.
    """

    def __init__(self) -> None:
        self.is_open = True
        self.began = asyncio.get_running_loop().time()
        self._transport: asyncio.Transport
        self._parser: httptools.HttpResponseParser
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._buffered = 0
        self._head_size = 0
        self._is_complete = True
        self._is_paused = False
        self._has_head = False
        self._waiter: asyncio.Future[None] | None = None

    async def exchange(self, request: bytes) -> PeerAnswer:
        """Send a request, not HEAD: its answer would end where the parser expects a body.

        Returns the head of its answer; interim answers (1xx) are skipped.

        Raises:
            ConnectionEnded: the connection ended before the head arrived.
        """
        self._parser = httptools.HttpResponseParser(self)
        self._headers, self._pieces, self._buffered, self._head_size = [], [], 0, 0
        self._has_head = self._is_complete = False
        if not self.is_open:
            raise ConnectionEnded
        self._read_on()
        self._transport.write(request)
        while not self._has_head:
            await self._more()
        return PeerAnswer(self._status, self._headers, self._body())

    async def _body(self) -> AsyncIterator[bytes]:
        while True:
            pieces, self._pieces, self._buffered = self._pieces, [], 0
            for piece in pieces:
                yield piece
            if self._pieces:
                continue
            if self._is_complete:
                return
            self._read_on()
            await self._more()

    async def _more(self) -> None:
        """Wait until something arrives."""
        if not self.is_open and not self._is_complete:
            raise ConnectionEnded
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def abort(self) -> None:
        """End the connection, because its answer is no longer wanted."""
        self.is_open = False
        self._transport.abort()

    @property
    def is_idle(self) -> bool:
        """Whether the last answer is complete and the peer keeps the connection."""
        return self.is_open and self._is_complete

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport; have the kernel find out that the other host is gone."""
        self._transport = cast("asyncio.Transport", transport)
        found: socket.socket = transport.get_extra_info("socket")
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (
            (socket.TCP_KEEPIDLE, _DEAD_AFTER // 2),
            (socket.TCP_KEEPINTVL, 1),
            (socket.TCP_KEEPCNT, _DEAD_AFTER // 2),
            (socket.TCP_USER_TIMEOUT, _DEAD_AFTER * 1000),
        ):
            found.setsockopt(socket.IPPROTO_TCP, option, value)

    def data_received(self, data: bytes) -> None:
        """Parse what arrives."""
        if self._is_complete:
            # Bytes of no answer.
            self.abort()
            return
        if not self._has_head:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.abort()
        if not self._has_head and self._head_size > _LARGEST_HEAD:
            self.abort()
        self._wake()

    def connection_lost(self, _: Exception | None) -> None:
        """Tell the reader of an incomplete answer."""
        self.is_open = False
        self._wake()

    def on_message_begin(self) -> None:
        """Refuse a second answer, to no request: `data_received` ends the connection."""
        if self._is_complete:
            raise ConnectionEnded

    def on_status(self, _: bytes) -> None:
        """Store the status."""
        self._status = self._parser.get_status_code()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store a header."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Release the head; an interim one is dropped."""
        self._has_head = self._status >= HTTPStatus.OK
        if not self._has_head:
            self._headers = []

    def on_body(self, body: bytes) -> None:
        """Store a piece; stop reading when too much waits for the reader."""
        self._pieces.append(body)
        self._buffered += len(body)
        if self._buffered > _BUFFERED and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """End the answer."""
        if not self._has_head:
            return
        self._is_complete = True
        if not self._parser.should_keep_alive():
            self.is_open = False
            self._transport.close()

    def _read_on(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
