"""Connections that are opened before the requests that use them."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry.stores.address import Bucket
from bluegrid_registry.stores.s3_client import s3_client
from bluegrid_registry.stores.s3_connections import open_connections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbytes"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        yield listener


def client_of(port: int, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test-access")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    place = Bucket("models", "grid", endpoint=f"http://127.0.0.1:{port}")
    return s3_client(place, 10)[0]


def test_a_request_uses_a_connection_that_was_opened_before(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(listener.getsockname()[1], monkeypatch)
    open_connections(client, "models", 2)
    opened = [listener.accept()[0] for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        requests = [pool.submit(client.get_object, Bucket="models", Key=key) for key in ("a", "b")]
        for connection in opened:
            connection.settimeout(10)
            assert connection.recv(65536).startswith(b"GET /models/")
            connection.sendall(ANSWER)
        assert [request.result()["Body"].read() for request in requests] == [b"bytes", b"bytes"]
    for connection in opened:
        connection.close()
    listener.settimeout(0)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_a_server_that_refuses_connections_is_left_to_the_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    open_connections(client_of(port, monkeypatch), "models", 2)
