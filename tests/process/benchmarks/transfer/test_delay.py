from __future__ import annotations

import http.server
import threading
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest

from benchmarks.transfer.server import way_to

if TYPE_CHECKING:
    from collections.abc import Iterator

RTT = 0.2
BODY = bytes(range(256)) * 40_000


class _Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def put(endpoint: str, body: bytes) -> bytes:
    request = urllib.request.Request(f"{endpoint}/x", body, method="PUT")
    with urllib.request.urlopen(request, timeout=30) as answer:
        data: bytes = answer.read()
        return data


def test_a_request_on_a_new_connection_takes_two_round_trips(echo: str) -> None:
    with way_to(echo, RTT) as way:
        started = time.perf_counter()
        assert put(way.endpoint, b"hello") == b"hello"
        assert time.perf_counter() - started >= 2 * RTT


def test_all_bytes_arrive_in_order_and_are_counted(echo: str) -> None:
    with way_to(echo, 0.001) as way:
        assert put(way.endpoint, BODY) == BODY
        traffic = way.traffic()
    assert traffic.requests == 1
    assert len(BODY) < traffic.up < len(BODY) + 1_000
    assert len(BODY) < traffic.down < len(BODY) + 1_000


def test_a_round_trip_of_nothing_goes_straight_to_the_server(echo: str) -> None:
    with way_to(echo, 0) as way:
        assert way.endpoint == echo
