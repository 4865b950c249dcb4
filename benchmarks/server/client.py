"""A client that sends the next request as soon as one is answered: one thread, plain sockets, prepared bytes.

The client must cost less than any server; otherwise it would be measured itself: see `LoadResult.busy`.
"""

from __future__ import annotations

import re
import select
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HOST = "127.0.0.1"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_END = b"\r\n\r\n"
_TIMEOUT = 60


@dataclass(frozen=True)
class LoadResult:
    """The result of a number of requests.

    Attributes:
        seconds: from the first request to the last answer.
        latencies: seconds of each request, in order of the answers.
        busy: the share of one core that this client took.
    """

    seconds: float
    latencies: list[float]
    busy: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds


def post(path: str, body: bytes) -> bytes:
    """Return a request as bytes."""
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def request_once(port: int, request: bytes) -> bytes:
    """Send one request on a new connection; return the body of the response.

    Raises:
        ConnectionError: the answer is not 200.
    """
    connection = _Connection(port)
    with connection.socket:
        connection.send(request)
        while not connection.answered():
            pass
    return connection.body()


def request_for(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> LoadResult:
    """Send the requests in turn, again and again, for a number of seconds."""
    return _run(port, cycle(requests), connections, seconds)


def request_times(port: int, requests: Sequence[bytes], connections: int, times: int) -> LoadResult:
    """Send a number of requests, taking `requests` in turn."""
    return _run(port, islice(cycle(requests), times), connections, float("inf"))


def _run(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> LoadResult:
    latencies: list[float] = []
    with select.epoll() as poll, ExitStack() as stack:
        opened = [_Connection(port) for _ in range(connections)]
        by_fd = {connection.socket.fileno(): connection for connection in opened}
        for connection in opened:
            stack.enter_context(connection.socket)
            # With a timeout, Python polls before each call; here `poll` has been called already.
            connection.socket.settimeout(None)
        began, cpu, waiting = time.perf_counter(), time.process_time(), 0
        for connection in opened:
            poll.register(connection.socket, select.EPOLLIN)
            if (request := next(requests, None)) is not None:
                connection.send(request)
                waiting += 1
        while waiting:
            ready = poll.poll(_TIMEOUT)
            if not ready:
                raise TimeoutError(f"no answer in {_TIMEOUT} s")
            for fd, _ in ready:
                connection = by_fd[fd]
                if not connection.answered():
                    continue
                now = time.perf_counter()
                latencies.append(now - connection.sent)
                request = next(requests, None) if now - began < seconds else None
                if request is None:
                    waiting -= 1
                else:
                    connection.send(request)
        took = time.perf_counter() - began
        busy = (time.process_time() - cpu) / took
    return LoadResult(took, latencies, busy)


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=_TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0.0
        self._received = b""
        self._length = 0

    def send(self, request: bytes) -> None:
        self._received, self._length = b"", 0
        self.sent = time.perf_counter()
        self.socket.sendall(request)

    def answered(self) -> bool:
        """Receive what has arrived; return whether the response is complete."""
        arrived = self.socket.recv(1 << 20)
        if not arrived:
            raise ConnectionError("the server closed the connection within an answer")
        self._received += arrived
        if not self._length:
            end = self._received.find(_END)
            if end < 0:
                return False
            if not self._received.startswith(b"HTTP/1.1 200"):
                raise ConnectionError(f"answered {self._received[:300]!r}")
            length = _LENGTH.search(self._received, 0, end)
            if length is None:
                raise ConnectionError(f"an answer of no known length: {self._received[:end]!r}")
            self._length = end + len(_END) + int(length[1])
        return len(self._received) >= self._length

    def body(self) -> bytes:
        """Return the body of the last response."""
        return self._received.partition(_END)[2]
