"""`python -m benchmarks.transfer.delay TARGET RTT`: a TCP proxy that makes the round trip to a server longer.

Every byte arrives half a round trip after it was sent, in both directions, and a new connection costs one
more round trip, as a handshake does. Bandwidth is not throttled.

The proxy prints its port, answers each line on stdin with the counts so far, and ends with stdin.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, replace
from typing import cast

HELD_BYTES = 64 * 2**20
"""Bytes that one direction of a connection may hold: more than 1 GB/s needs for 50 ms."""


@dataclass
class Traffic:
    """Counts of the proxy's traffic."""

    requests: int = 0
    """HTTP requests: request lines sent to the server."""
    up: int = 0
    """Bytes sent by clients, headers included."""
    down: int = 0
    busy: float = 0
    """Seconds of processor time that the proxy took."""


class _Side(asyncio.Protocol):
    """One end of a connection: bytes that arrive here leave at the other end, `delay` seconds later."""

    other: _Side
    transport: asyncio.Transport

    def __init__(self, delay: float, handshake: float) -> None:
        self._delay = delay
        self._opens = asyncio.get_running_loop().time() + handshake
        self._held: deque[tuple[float, bytes]] = deque()
        self._held_bytes = 0
        self._blocked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=HELD_BYTES // 16)

    def data_received(self, data: bytes) -> None:
        self._hold(data)
        if self._held_bytes > HELD_BYTES:
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio calls it so)
        self._hold(b"")

    def pause_writing(self) -> None:
        self.other._blocked = True

    def resume_writing(self) -> None:
        self.other._blocked = False
        self.other._deliver()

    def _hold(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        due = max(loop.time(), self._opens) + self._delay
        self._held.append((due, data))
        self._held_bytes += len(data)
        if len(self._held) == 1 and not self._blocked:
            loop.call_at(due, self._deliver)

    def _deliver(self) -> None:
        loop = asyncio.get_running_loop()
        while self._held and not self._blocked:
            due, data = self._held[0]
            if due > loop.time():
                loop.call_at(due, self._deliver)
                break
            self._held.popleft()
            self._held_bytes -= len(data)
            if data:
                self.other.transport.write(data)
            else:
                self.other.transport.close()
        if self._held_bytes <= HELD_BYTES and not self.transport.is_closing():
            self.transport.resume_reading()


class _Client(_Side):
    """The end at the client; it connects to the server."""

    def __init__(self, target: tuple[str, int], rtt: float, traffic: Traffic) -> None:
        super().__init__(rtt / 2, rtt)
        self._target, self._rtt, self._traffic = target, rtt, traffic

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.pause_reading()
        self._connecting = asyncio.ensure_future(self._connect())

    def data_received(self, data: bytes) -> None:
        self._traffic.up += len(data)
        self._traffic.requests += data.count(b" HTTP/1.1\r\n")
        super().data_received(data)

    async def _connect(self) -> None:
        server = _Server(self._rtt / 2, self._traffic)
        server.other, self.other = self, server
        try:
            await asyncio.get_running_loop().create_connection(lambda: server, *self._target)
        except OSError:
            self.transport.abort()
        else:
            self.transport.resume_reading()


class _Server(_Side):
    """The end at the server."""

    def __init__(self, delay: float, traffic: Traffic) -> None:
        super().__init__(delay, 0)
        self._traffic = traffic

    def data_received(self, data: bytes) -> None:
        self._traffic.down += len(data)
        super().data_received(data)


async def serve(target: str, rtt: float) -> None:
    """Serve until stdin ends."""
    host, _, port = target.rpartition(":")
    traffic = Traffic()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Client((host, int(port)), rtt, traffic), "127.0.0.1", 0, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(asdict(replace(traffic, busy=time.process_time()))), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], float(sys.argv[2])))
