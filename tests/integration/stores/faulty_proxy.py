"""A network that fails: a proxy in front of a real server, which injects a test's faults into requests.

It knows just enough HTTP/1.1 to separate requests and answers. A fault is a function of an `Exchange` that
makes everything happen, so a fault that does nothing is a server that never answers.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    Fault = Callable[["Exchange"], None]

UPSTREAM_SECONDS = 1
"""Time limit of the real server; it takes longer only if a fault has made a request that never ends."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True)
class Exchange:
    """One complete request, and the connections to the server and to the client."""

    number: int
    """The number of the request, from 0, over all connections."""
    request: bytes
    client: socket.socket
    upstream: tuple[str, int]

    @property
    def what(self) -> str:
        """Method and path without the query, such as `PUT /models/x`."""
        return (
            self.request.partition(b"\r\n")[0].decode("latin-1").partition("?")[0].removesuffix(" HTTP/1.1")
        )

    def forward(self, request: bytes | None = None) -> bytes:
        """Return the real server's answer to the request; empty if there is none."""
        with socket.create_connection(self.upstream, timeout=UPSTREAM_SECONDS) as server:
            try:
                server.sendall(self.request if request is None else request)
                return _read_message(server, self.request.startswith(b"HEAD")) or b""
            except OSError:
                return b""

    def answer(self, raw: bytes) -> None:
        """Send bytes to the client; no bytes close the connection."""
        if raw:
            self.client.sendall(raw)
        else:
            self.reset()

    def reset(self) -> None:
        """Reset the connection."""
        with contextlib.suppress(OSError):
            self.client.shutdown(socket.SHUT_RDWR)


class FaultyProxy:
    """Listens on loopback, and calls `fault` for every request.

    Args:
        endpoint: URL of the real server.
    """

    def __init__(self, endpoint: str) -> None:
        place = urlsplit(endpoint)
        assert place.hostname
        assert place.port
        self._upstream = (place.hostname, place.port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._clients: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[str] = []
        self.forget()
        threading.Thread(target=self._accept, daemon=True).start()

    def forget(self, fault: Fault | None = None) -> None:
        """Count requests from 0 again, and call `fault` for them from now on."""
        with self._lock:
            self._numbers = itertools.count()
            self.requests = []
            self.fault: Fault = fault or pass_on

    def close(self) -> None:
        """Stop listening and close all connections."""
        # A close does not wake a blocked accept.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for client in list(self._clients):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._clients.add(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        # The client has to cope with any error that a fault causes here.
        with client, contextlib.suppress(OSError):
            while request := _read_message(client):
                with self._lock:
                    exchange = Exchange(next(self._numbers), request, client, self._upstream)
                    self.requests.append(exchange.what)
                    fault = self.fault
                fault(exchange)
        self._clients.discard(client)


def _read_message(connection: socket.socket, is_head: bool = False) -> bytes | None:
    data = bytearray()
    while (end := data.find(b"\r\n\r\n")) < 0:
        chunk = connection.recv(65536)
        if not chunk:
            return None
        data += chunk
    found = _LENGTH.search(data, 0, end + 2)
    total = end + 4 + (int(found[1]) if found and not is_head else 0)
    while len(data) < total:
        chunk = connection.recv(1 << 20)
        if not chunk:
            return None
        data += chunk
    return bytes(data)


def pass_on(exchange: Exchange) -> None:
    exchange.answer(exchange.forward())
