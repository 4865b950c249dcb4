from __future__ import annotations

import socket
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from benchmarks.server.client import post, request_once, request_times

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST = post("/v2/models/line-1/infer", b"{}")


@contextmanager
def answering(*parts: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Run a server that answers each request with these parts, sent one by one; yield port and requests."""
    received: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        with connection:
            while request := connection.recv(65536):
                received.append(request)
                for part in parts:
                    connection.sendall(part)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Thread(target=answer, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1], received
        # Wakes `accept`; closing alone does not.
        listener.shutdown(socket.SHUT_RDWR)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def test_every_request_is_counted_once_and_no_more_are_sent() -> None:
    with answering(OK) as (port, received):
        measured = request_times(port, [REQUEST], connections=4, times=50)
    assert len(measured.latencies) == len(received) == 50
    assert measured.rate > 0


def test_fewer_requests_than_connections_end() -> None:
    with answering(OK) as (port, received):
        assert len(request_times(port, [REQUEST], connections=4, times=1).latencies) == 1
    assert received == [REQUEST]


def test_an_answer_in_pieces_is_one_answer() -> None:
    with answering(OK[:10], OK[10:30], OK[30:]) as (port, _):
        assert request_once(port, REQUEST) == b"hello"
        assert len(request_times(port, [REQUEST], connections=2, times=10).latencies) == 10


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "503"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "no known length"),
    ],
)
def test_an_answer_that_is_not_what_is_measured_ends_the_run(answer: bytes, message: str) -> None:
    with answering(answer) as (port, _), pytest.raises(ConnectionError, match=message):
        request_times(port, [REQUEST], connections=1, times=2)
