"""Another shard, as a pod asks it: idle connections, limits, and errors that name the shard."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bluegrid_registry.contract import SHARD_HEADER
from bluegrid_server.errors import BusyError, ShardUnreachableError, TimeLimitError
from bluegrid_server.shards.connection import ConnectionEnded, PeerConnection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from bluegrid_registry.shards import Shard
    from bluegrid_server.shards.connection import PeerAnswer

_MOST_AT_ONCE = 64
"""Most requests that a shard works on for this pod, and most idle connections; further requests wait."""
_MOST_WAITING = 1000
"""Most requests to a shard that are not answered yet. Further ones get 503."""
_MOST_WAITING_BYTES = 64 * 2**20
"""Most bytes of their bodies."""
_CONNECT_SECONDS = 2.0
"""Time limit for a connection to a pod of the same Kubernetes cluster."""
_MAX_AGE = 30.0
"""Age in seconds after which a connection is not used again, so that new pods of a shard get requests too."""
_TRIES = 2
"""How often a request is sent if connections end before an answer begins, as when a pod stops."""

Headers = list[tuple[bytes, bytes]]


class Peer:
    """Another shard of the cluster.

    Args:
        shard: the shard.
        name: name of its Deployment, for messages.
        address: URL of its Service, without a path.
    """

    def __init__(self, shard: Shard, name: str, address: str) -> None:
        self.shard, self.name = shard, name
        url = urlsplit(address)
        self._host, self._port = url.hostname or "", url.port or 80
        self._own_headers = f"host: {url.netloc}\r\n{SHARD_HEADER}: {shard}\r\n".encode()
        self._idle: list[PeerConnection] = []
        self._free = asyncio.Semaphore(_MOST_AT_ONCE)
        self._waiting = self._waiting_bytes = 0

    @asynccontextmanager
    async def ask(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[bytes, bytes]] = (),
        body: bytes = b"",
        seconds: float | None = None,
    ) -> AsyncIterator[PeerAnswer]:
        """Send a request; the answer can be read until the block ends.

        Args:
            method: HTTP method, not HEAD.
            target: path of the request, percent-encoded.
            headers: of the request, besides the length.
            body: of the request.
            seconds: time until the answer must begin; None: as long as the shard's pod lives.

        Raises:
            BusyError: too many requests wait for this shard.
            ShardUnreachableError: no pod of the shard answers, or the answer breaks off.
            TimeLimitError: the answer did not begin in time.
        """
        if self._waiting >= _MOST_WAITING or self._waiting_bytes + len(body) > _MOST_WAITING_BYTES:
            raise BusyError(f"{self._waiting} requests wait for {self.name} already; try again")
        lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        start = f"{method} {target} HTTP/1.1\r\ncontent-length: {len(body)}\r\n".encode()
        request = b"".join((start, self._own_headers, lines, b"\r\n", body))
        connection, answer = await self._begun(request, len(body), seconds)
        try:
            yield answer
        except ConnectionEnded:
            raise self._unreachable("its answer broke off") from None
        finally:
            self._release(connection)

    async def _begun(
        self, request: bytes, size: int, seconds: float | None
    ) -> tuple[PeerConnection, PeerAnswer]:
        """Send a request; return its answer once it begins.

        From then on the request waits no longer: a client that reads slowly must not keep others from the
        shard.
        """
        self._waiting += 1
        self._waiting_bytes += size
        try:
            async with asyncio.timeout(seconds), self._free:
                return await self._exchange(request)
        except TimeoutError:
            raise TimeLimitError(
                f"{self.name} did not answer in {seconds:g} s; see its pods, or try again"
            ) from None
        finally:
            self._waiting -= 1
            self._waiting_bytes -= size

    async def _exchange(self, request: bytes) -> tuple[PeerConnection, PeerAnswer]:
        fault = ""
        for number in range(_TRIES):
            connection = (self._reusable() if number == 0 else None) or await self._connect()
            try:
                return connection, await connection.exchange(request)
            except ConnectionEnded:
                fault = "it ended the connection"
            except asyncio.CancelledError:
                connection.abort()
                raise
        raise self._unreachable(fault)

    def _reusable(self) -> PeerConnection | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_idle and now - connection.began < _MAX_AGE:
                return connection
            connection.abort()
        return None

    async def _connect(self) -> PeerConnection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                _, connection = await loop.create_connection(PeerConnection, self._host, self._port)
        except TimeoutError:
            raise self._unreachable(f"no connection in {_CONNECT_SECONDS:g} s") from None
        except OSError as error:
            raise self._unreachable(error.strerror or str(error)) from None
        return connection

    def _release(self, connection: PeerConnection) -> None:
        if connection.is_idle and len(self._idle) < _MOST_AT_ONCE:
            self._idle.append(connection)
        else:
            connection.abort()

    def _unreachable(self, fault: str) -> ShardUnreachableError:
        return ShardUnreachableError(f"{self.name}, a shard of this cluster, does not answer: {fault}")

    def close(self) -> None:
        """End the idle connections."""
        while self._idle:
            self._idle.pop().abort()
