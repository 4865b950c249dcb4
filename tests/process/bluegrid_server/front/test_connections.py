"""Thousands of clients that send nothing, half of a request, or a request very slowly."""

from __future__ import annotations

import json
import resource
import socket
import time
from contextlib import ExitStack
from http.client import HTTPResponse
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from tests.process.bluegrid_server.server_process import running, wait_until_ready
from tests.support.endurance import measured, scale
from tests.support.pods import BASE, tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid_server.settings import Settings


CONNECTIONS = scale(500, 10_000)
PATIENCE = 5.0
"""Seconds within which other clients are answered, whatever these clients do."""
SLOW_BYTES = 20

BODY = json.dumps(tensor()).encode()
HEAD = f"POST {BASE}/models/line-1/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
REQUEST = HEAD + BODY
SENT = {"nothing": 0, "a verb": 4, "half a head": 60, "a head": len(HEAD), "half a body": len(HEAD) + 9}
"""What clients have sent: the number of bytes of a request."""


@pytest.fixture(autouse=True)
def _descriptors() -> Iterator[None]:
    """Allow a file descriptor for each connection, and some more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, CONNECTIONS + 1000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def status_of(connection: socket.socket) -> int:
    """Return the status of the next answer."""
    with HTTPResponse(connection) as answer:
        answer.begin()
        answer.read()
        return answer.status


def ask(port: int) -> float:
    """Send a request on a new connection; return seconds until the answer."""
    began = time.perf_counter()
    url = f"http://127.0.0.1:{port}{BASE}/models/line-1/infer"
    assert httpx.post(url, content=BODY, timeout=PATIENCE).status_code == 200
    return time.perf_counter() - began


def test_clients_that_are_silent_or_slow_keep_nobody_waiting_and_are_answered_in_the_end(
    settings: Settings,
) -> None:
    with running(settings) as (process, port), ExitStack() as stack:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client:
            wait_until_ready(client)
        clients: list[tuple[socket.socket, int]] = []
        for number in range(CONNECTIONS):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            sent = list(SENT.values())[number % len(SENT)]
            connection.sendall(REQUEST[:sent])
            clients.append((connection, sent))
        waited = []
        for byte in range(SLOW_BYTES):
            # A fifth of the clients are slow: a byte at a time.
            for connection, sent in clients[:: len(SENT)]:
                connection.sendall(REQUEST[sent + byte : sent + byte + 1])
            waited.append(ask(port))
        server = psutil.Process(process.pid)
        measured(
            connections=CONNECTIONS,
            open_at_the_server=len(server.net_connections()),
            slowest_answer_to_others_seconds=round(max(waited), 3),
            front_megabytes=round(server.memory_full_info().uss / 2**20, 1),
        )
        for place, (connection, sent) in enumerate(clients):
            connection.settimeout(60)
            connection.sendall(REQUEST[sent + SLOW_BYTES if place % len(SENT) == 0 else sent :])
            assert status_of(connection) == 200
        # The idle connections are still open: each can send another request.
        for connection, _ in clients:
            connection.sendall(REQUEST)
            assert status_of(connection) == 200
        assert max(waited) < PATIENCE


def test_clients_that_go_within_a_request_leave_the_server_as_it_was(settings: Settings) -> None:
    with running(settings) as (process, port):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client:
            wait_until_ready(client)
        with ExitStack() as stack:
            for number in range(CONNECTIONS):
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                connection.sendall(REQUEST[: list(SENT.values())[number % len(SENT)]])
        ask(port)
        assert process.poll() is None
