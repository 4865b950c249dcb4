"""Offers to switch to another protocol are declined, and a body belongs to its request."""

from __future__ import annotations

import io
import json
import socket
from http.client import HTTPResponse
from typing import TYPE_CHECKING, cast

import httpx
import pytest

from tests.process.bluegrid_server.server_process import running, wait_until_ready
from tests.support.pods import BASE, published, tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.pods import Trained


BODY = json.dumps(tensor()).encode()
INFER = f"POST {BASE}/models/line-1/infer HTTP/1.1\r\nHost: pod\r\n"
BATCH = f"POST {BASE}/models:batchInfer HTTP/1.1\r\nHost: pod\r\n"
READY = f"GET {BASE}/health/ready HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n".encode()
H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
OFFERS = {
    "curl --http2": H2C,
    "a browser": "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
    "another protocol": "connection: upgrade\r\nupgrade: IRC/6.9, RTA/x11\r\n",
    "two headers": "Connection: Upgrade\r\nConnection: HTTP2-Settings\r\nUpgrade: h2c\r\nUPGRADE: a\r\n",
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[int]:
    with running(published(tmp_path_factory.mktemp("pod"), trained.folder)) as (_, port):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client:
            wait_until_ready(client)
        yield port


class _Received(io.BytesIO):
    """The bytes of a connection, from which HTTPResponse reads one answer after the other."""

    def makefile(self, *_: object) -> _Received:
        return self

    def close(self) -> None:
        """Stay open for the next one."""


def answers(port: int, *segments: bytes) -> list[tuple[int, bytes]]:
    """Send segments over one connection, READY at last; return the status and the body of every answer."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        for segment in segments:
            connection.sendall(segment)
        received = b""
        while part := connection.recv(2**16):
            received += part
    stream, found = _Received(received), []
    while stream.tell() < len(received):
        answer = HTTPResponse(cast("socket.socket", stream))
        answer.begin()
        found.append((answer.status, answer.read()))
    return found


def with_length(head: str, body: bytes, offer: str = "") -> bytes:
    return f"{head}{offer}Content-Length: {len(body)}\r\n\r\n".encode() + body


def in_chunks(head: str, body: bytes, offer: str = "") -> bytes:
    parts = [body[:9], body[9:]]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    return f"{head}{offer}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks


@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
@pytest.mark.parametrize("framed", [with_length, in_chunks])
@pytest.mark.parametrize("at", [None, "headers", "middle", "bytes"])
def test_a_request_with_an_offer_is_answered_and_so_is_the_next(
    port: int, offer: str, framed: Callable[[str, bytes, str], bytes], at: str | None
) -> None:
    request = framed(INFER, BODY, offer)
    headers = request.index(b"\r\n\r\n") + 4
    segments = {
        None: [request + READY],
        "headers": [request[:headers], request[headers:], READY],
        "middle": [request[: headers + 5], request[headers + 5 :] + READY],
        "bytes": [bytes([byte]) for byte in request + READY],
    }[at]
    (status, inferred), ready = answers(port, *segments)
    assert (status, json.loads(inferred)["model_name"]) == (200, "line-1")
    assert ready == (200, b'{"ready":true}')


def test_a_body_that_reads_like_a_request_is_none(port: int) -> None:
    # A body that looks like a request, which would be answered 200.
    request = with_length(INFER, READY, H2C)
    (status, refused), ready = answers(port, request, READY)
    assert (status, json.loads(refused)["error"][:21]) == (400, "the body is not JSON:")
    assert ready == (200, b'{"ready":true}')


def test_requests_that_each_make_an_offer_are_answered_in_their_order(port: int) -> None:
    batch = json.dumps({"requests": [{"model_name": "trafo-1", **tensor()}]}).encode()
    got = answers(port, with_length(INFER, BODY, H2C) + in_chunks(BATCH, batch, H2C) + READY)
    assert [status for status, _ in got] == [200, 200, 200]
    assert [b"line-1" in got[0][1], b"trafo-1" in got[1][1], got[2][1]] == [True, True, b'{"ready":true}']


def test_a_large_body_behind_an_offer_arrives_whole(port: int) -> None:
    requests = [{"model_name": "line-1", **tensor()}] * 9_000
    body = json.dumps({"requests": requests}).encode()
    assert len(body) > 2**20
    ((status, answered), _) = answers(port, with_length(BATCH, body, H2C), READY)
    assert (status, len(json.loads(answered)["responses"])) == (200, len(requests))


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(port: int) -> None:
    head = with_length(INFER, BODY, f"{H2C}Expect: 100-continue\r\n").removesuffix(BODY)
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(head)
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        with HTTPResponse(connection) as answer:
            answer.begin()
            assert (answer.status, json.loads(answer.read())["model_name"]) == (200, "line-1")


def test_an_offer_of_http_1_0_ends_its_connection(port: int) -> None:
    request = with_length(INFER.replace("HTTP/1.1", "HTTP/1.0"), BODY, OFFERS["a browser"])
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(request)
        with HTTPResponse(connection) as answer:
            answer.begin()
            assert answer.status == 200
            answer.read()
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    ("request_line", "status", "fault"),
    [
        ("CONNECT example.org:443 HTTP/1.1", 405, "CONNECT: this is no proxy"),
        ("post / HTTP/1.1", 400, "not a request of HTTP/1.1: Invalid method encountered"),
        ("GET /modelService/line-loading/v2/models/S\u00fcd HTTP/1.1", 400, "not a request of HTTP/1.1: "),
        ("SPEAK", 400, "not a request of HTTP/1.1: "),
    ],
)
def test_what_is_no_request_is_refused_in_json(port: int, request_line: str, status: int, fault: str) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(f"{request_line}\r\nHost: pod\r\n\r\n".encode())
        with HTTPResponse(connection) as answer:
            answer.begin()
            assert answer.status == status
            assert answer.headers["Bluegrid-Version"] == "v1"
            assert json.loads(answer.read())["error"].startswith(fault)
        assert connection.recv(1) == b""
