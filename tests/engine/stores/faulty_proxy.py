"""A network that fails: a proxy in front of a real server, which does to each request what a test says.

It knows HTTP/1.1 just enough to tell one request and one answer from the next. A fault is a function of an
`Exchange`; whatever it does not do does not happen, so a fault that does nothing is a server that never
answers.
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

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    Fault = Callable[["Exchange"], None]

UPSTREAM_SECONDS = 1
"""How long the real server may take; longer only when a fault has made a request that never ends."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True)
class Exchange:
    """One request, read to its end, and the two ways on from here."""

    number: int
    """From 0, over all connections."""
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
        """Return the real server's answer to the request; nothing when there is none."""
        with socket.create_connection(self.upstream, timeout=UPSTREAM_SECONDS) as server:
            try:
                server.sendall(self.request if request is None else request)
                return _read_message(server, self.request.startswith(b"HEAD")) or b""
            except OSError:
                return b""

    def answer(self, raw: bytes) -> None:
        """Send bytes to the client; none at all closes the connection."""
        if raw:
            self.client.sendall(raw)
        else:
            self.reset()

    def reset(self) -> None:
        """Break the connection off."""
        with contextlib.suppress(OSError):
            self.client.shutdown(socket.SHUT_RDWR)


class FaultyProxy:
    """Listens on loopback, and lets `fault` deal with every request.

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
        self.seen: list[str] = []
        self.forget()
        threading.Thread(target=self._accept, daemon=True).start()

    def forget(self, fault: Fault | None = None) -> None:
        """Count requests from 0 again, and treat them with `fault` from now on."""
        with self._lock:
            self._numbers = itertools.count()
            self.seen = []
            self.fault: Fault = fault or pass_on

    def close(self) -> None:
        """Stop listening and break all connections off."""
        # A blocked accept does not notice a close.
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
        # Whatever a fault breaks here is what the client is to cope with.
        with client, contextlib.suppress(OSError):
            while request := _read_message(client):
                with self._lock:
                    exchange = Exchange(next(self._numbers), request, client, self._upstream)
                    self.seen.append(exchange.what)
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


def flipped(data: bytes, index: int, bits: int) -> bytes:
    """Return `data` with some bits of one byte turned over."""
    return data[:index] + bytes([data[index] ^ bits]) + data[index + 1 :]


def pass_on(exchange: Exchange) -> None:
    exchange.answer(exchange.forward())


def at(number: int, fault: Fault) -> Fault:
    """Let the fault happen to one request only."""
    return lambda exchange: (fault if exchange.number == number else pass_on)(exchange)


def reset_before(exchange: Exchange) -> None:
    exchange.reset()


def reset_after(exchange: Exchange) -> None:
    """Do what was asked for, and lose the answer."""
    exchange.forward()
    exchange.reset()


def status(code: int) -> Fault:
    """Refuse, as a server or a proxy in between does that is overloaded."""
    body = b"<Error><Code>%s</Code><Message>no</Message></Error>" % {
        400: b"ExpiredToken",
        403: b"AccessDenied",
        500: b"InternalError",
        503: b"SlowDown",
    }.get(code, b"Other")
    return lambda exchange: exchange.answer(
        b"HTTP/1.1 %d no\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%s"
        % (code, len(body), body)
    )


def status_after(code: int) -> Fault:
    """Do what was asked for, and say that it failed."""

    def fault(exchange: Exchange) -> None:
        exchange.forward()
        status(code)(exchange)

    return fault


def silent(exchange: Exchange) -> None:
    """Never answer."""


def truncated(exchange: Exchange) -> None:
    """Break off in the middle of the answer's body, or head where it has none."""
    answer = exchange.forward()
    head = answer.find(b"\r\n\r\n") + 4
    exchange.answer(answer[: (head + len(answer)) // 2 if head < len(answer) else head // 2])
    exchange.reset()


def duplicated(exchange: Exchange) -> None:
    """Answer twice: the second answer is there before the next question."""
    exchange.answer(exchange.forward() * 2)


def in_pieces(exchange: Exchange) -> None:
    """Answer slowly: byte after byte, each in a packet of its own."""
    for byte in exchange.forward():
        exchange.client.sendall(bytes([byte]))


def flip_up(index: int, bits: int) -> Fault:
    """Harm one byte of the request."""
    return lambda exchange: exchange.answer(
        exchange.forward(flipped(exchange.request, index % len(exchange.request), bits))
    )


def flip_down(index: int, bits: int) -> Fault:
    """Harm one byte of the answer; nothing follows it, so that nobody waits for more."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.forward()
        exchange.answer(flipped(answer, index % len(answer), bits))
        exchange.reset()

    return fault


class Swapped:
    """Exchanges the answers of two requests that are under way at once, of those whose path has `part`."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._meeting = threading.Barrier(2, timeout=UPSTREAM_SECONDS)
        self._answers: dict[int, bytes] = {}
        self.count = 0

    def __call__(self, exchange: Exchange) -> None:
        answer = exchange.forward()
        if self._part in exchange.what and not self._meeting.broken:
            try:
                place = self._meeting.wait()
                self._answers[place] = answer
                self._meeting.wait()
                answer = self._answers[1 - place]
                self.count += 1
            except threading.BrokenBarrierError:
                pass
        exchange.answer(answer)


class Without:
    """A server that knows nothing of some headers: takes them off, and signs again what is left.

    Args:
        headers: their names in lower case, or what these begin with.
        key: the access key and the secret key.
    """

    def __init__(self, headers: Collection[str], key: tuple[str, str]) -> None:
        self._headers = tuple(headers)
        self._key = Credentials(*key)

    def __call__(self, exchange: Exchange) -> None:
        head, _, body = exchange.request.partition(b"\r\n\r\n")
        line, *rest = head.decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ")
        headers = dict(row.split(": ", 1) for row in rest)
        kept = {name: value for name, value in headers.items() if not self._takes(name)}
        for name in list(kept):
            if name.lower() in ("authorization", "x-amz-date"):
                del kept[name]
        place = next(value for name, value in kept.items() if name.lower() == "host")
        request = AWSRequest(method, f"http://{place}{target}", kept, body)
        # The bytes are not guarded by the signature either, as over TLS.
        request.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
        request.context["client_config"] = None
        S3SigV4Auth(self._key, "s3", "us-east-1").add_auth(request)
        lines = [line, *(f"{name}: {value}" for name, value in request.headers.items())]
        answer = exchange.forward("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        head, _, body = answer.partition(b"\r\n\r\n")
        told = [row for row in head.split(b"\r\n") if not self._takes(row.decode("latin-1"))]
        exchange.answer(b"\r\n".join(told) + b"\r\n\r\n" + body)

    def _takes(self, header: str) -> bool:
        return header.lower().startswith(self._headers)
