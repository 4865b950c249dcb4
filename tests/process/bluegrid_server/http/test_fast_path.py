"""Requests of every shape get the same answer on the fast path and through ASGI."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import socket
import urllib.request
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState

from bluegrid_server.http.fast_path import FastPath, ModelProtocol
from bluegrid_server.http.routes import make_app
from bluegrid_server.metrics import Metrics
from tests.process.bluegrid_server.server_process import PATIENCE, free_port, running, wait_until_ready
from tests.support.pods import BASE, ROWS, published, tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid_server.front.dispatcher import Dispatcher
    from bluegrid_server.ipc.pending import PendingRequest
    from bluegrid_server.settings import Settings
    from tests.support.pods import InProcess, Trained


INFER = f"{BASE}/models/line-1/infer"
BODY = json.dumps(tensor(shape=[1, 3], data=ROWS[0])).encode()


def post(path: str = INFER, body: bytes = BODY, version: str = "1.1", **headers: str) -> bytes:
    """Return a request as bytes."""
    given = {"Host": "pod", "Content-Length": str(len(body)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())
    return f"POST {path} HTTP/{version}\r\n{lines}\r\n".encode() + body


class Connection:
    """Sends bytes and reads answers, one by one."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        # The reader of an answer closes its file; without a buffer it reads nothing of the next answer.
        self._file = self._socket.makefile("rb", buffering=0)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def answer(self) -> tuple[int, dict[str, str], Any]:
        """Return the next answer: status, headers, document."""
        response = HTTPResponse(cast("socket.socket", self))
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, json.loads(response.read() or b"null")

    def makefile(self, _: str) -> Any:
        return self._socket.makefile("rb", buffering=0)

    def is_closed(self) -> bool:
        """Wait until the server closes the connection; return whether it sent nothing before."""
        return self._file.read(1) == b""


@contextmanager
def connected(port: int) -> Iterator[Connection]:
    connection = Connection(port)
    yield connection
    connection._socket.close()


PATHS = ("feeder/ä 7", "feeder/infer", "..", "a\\b%2F")
"""UIDs that look like paths, of copies of line-1."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[tuple[int, Settings]]:
    """A server of linear models: its port and its settings."""
    ports = {"metrics_port": free_port(), "admin_port": free_port()}
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(trained.folder, folder, dirs_exist_ok=True)
    for uid in PATHS:
        (folder / f"{uid}.skops").parent.mkdir(exist_ok=True)
        shutil.copy(folder / "line-1.skops", folder / f"{uid}.skops")
    settings = published(tmp_path_factory.mktemp("pod"), folder).model_copy(update=ports)
    with running(settings) as (_, port):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client:
            wait_until_ready(client)
        yield port, settings


@pytest.fixture
def port(server: tuple[int, Settings]) -> int:
    return server[0]


@pytest.fixture
def expected(port: int) -> dict[str, Any]:
    """Return the model's answer to the row."""
    document = httpx.post(f"http://127.0.0.1:{port}{INFER}", content=BODY).json()
    assert document["outputs"][0]["shape"] == [1]
    return cast("dict[str, Any]", document)


def test_requests_sent_ahead_are_answered_in_their_order(port: int, expected: dict[str, Any]) -> None:
    # A worker answers for two rows of a model, the front for one row.
    rows = json.dumps(tensor()).encode()
    get = f"GET {BASE}/health/live HTTP/1.1\r\nHost: pod\r\n\r\n".encode()
    batch = json.dumps({"requests": [{"model_name": "line-1", **tensor()}]}).encode()
    ahead = [
        post(body=rows),
        post(),
        get,
        post(),
        post(f"{BASE}/models:batchInfer", batch),
        post(f"{BASE}/models/line-9/infer"),
        post(),
    ]
    with connected(port) as connection:
        connection.send(b"".join(ahead))
        two, one, live, again, all_of_them, unknown, last = (connection.answer() for _ in ahead)
    assert two[2]["outputs"][0]["shape"] == [2]
    assert one[2] == again[2] == last[2] == expected
    assert live[2] == {"live": True}
    assert len(all_of_them[2]["responses"]) == 1
    assert unknown[0] == 404
    assert "line-1" in unknown[2]["error"]


def test_a_request_in_any_pieces_is_answered(port: int, expected: dict[str, Any]) -> None:
    request = post()
    with connected(port) as connection:
        for position in range(len(request)):
            connection.send(request[position : position + 1])
        assert connection.answer()[2] == expected
        chunked = post(Transfer_Encoding="chunked").replace(f"Content-Length: {len(BODY)}\r\n".encode(), b"")
        head, body = chunked.split(b"\r\n\r\n", 1)
        connection.send(head + b"\r\n\r\n3\r\n" + body[:3] + b"\r\n")
        connection.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body) - 3, body[3:]))
        assert connection.answer()[2] == expected


def test_a_client_that_waits_to_continue_is_told_to(port: int, expected: dict[str, Any]) -> None:
    with connected(port) as connection:
        head, body = post(Expect="100-continue").split(b"\r\n\r\n", 1)
        connection.send(head + b"\r\n\r\n")
        assert connection._file.read(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send(body)
        assert connection.answer()[2] == expected


@pytest.mark.parametrize(
    "request_bytes", [post(Connection="close"), post(version="1.0")], ids=["close", "HTTP/1.0"]
)
def test_a_client_that_wants_one_answer_gets_one(
    port: int, expected: dict[str, Any], request_bytes: bytes
) -> None:
    with connected(port) as connection:
        connection.send(request_bytes)
        _, headers, document = connection.answer()
        assert document == expected
        assert headers["connection"] == "close"
        assert connection.is_closed()


@pytest.mark.parametrize(
    "path",
    [
        INFER.replace("line", "%6Cine"),
        f"{INFER}?verbose=1",
        INFER.replace("/infer", "/versions/v1/infer"),
        f"http://pod{INFER}",
    ],
    ids=["quoted", "query", "version", "absolute"],
)
def test_a_url_can_be_written_in_many_ways(port: int, expected: dict[str, Any], path: str) -> None:
    with connected(port) as connection:
        connection.send(post(path))
        assert connection.answer()[2] == expected


@pytest.mark.parametrize(
    ("path", "uid"),
    [
        ("feeder%2F%C3%A4%207/infer", "feeder/ä 7"),
        ("feeder/%C3%A4%207/infer", "feeder/ä 7"),
        ("feeder/%C3%A4%207/versions/v1/infer", "feeder/ä 7"),
        ("feeder%2Finfer/infer", "feeder/infer"),
        ("feeder/infer/infer", "feeder/infer"),
        ("../infer", ".."),
        ("%2E./infer", ".."),
        ("a%5Cb%252F/infer", "a\\b%2F"),
    ],
)
@pytest.mark.parametrize("query", ["", "?verbose=1"], ids=["fast", "ASGI"])
def test_a_uid_that_looks_like_a_path_is_read_from_the_url(
    port: int, expected: dict[str, Any], path: str, uid: str, query: str
) -> None:
    with connected(port) as connection:
        connection.send(post(f"{BASE}/models/{path}{query}"))
        assert connection.answer()[2] == {**expected, "model_name": uid}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{BASE}/models/infer", 405),
        (f"{BASE}/models//infer", 404),
        (f"{BASE}/models/a%2Fb/infer", 404),
        (f"{BASE}/models/a/b/infer", 404),
        (f"{BASE}/models/line-1//infer", 404),
        (f"{BASE}/models/line-1/versions/v9/infer", 404),
        (f"{BASE}/models/line-9/infer", 404),
        (f"{INFER}/", 404),
    ],
)
def test_what_is_no_models_inference_is_told(port: int, path: str, status: int) -> None:
    with connected(port) as connection:
        connection.send(post(path))
        got = connection.answer()
        assert (got[0], list(got[2])) == (status, ["error"])


def test_every_answer_names_its_request_and_its_version(server: tuple[int, Settings]) -> None:
    port, settings = server
    trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "a=b"}
    with connected(port) as connection:
        for body, status in ((BODY, 200), (b"{}", 400), (b"no JSON", 400), (b"", 400)):
            connection.send(post(body=body, X_Request_Id="abc", **trace))
            got, headers, _ = connection.answer()
            assert got == status
            named = {"x-request-id": "abc", "bluegrid-digest": settings.manifest, **trace}
            assert named.items() <= headers.items()
        connection.send(2 * post())
        first, second = (connection.answer()[1]["x-request-id"] for _ in range(2))
        assert first != second


def test_the_admin_port_answers_no_inference(server: tuple[int, Settings]) -> None:
    with connected(server[1].admin_port) as connection:
        connection.send(post())
        assert connection.answer()[0] == 404


def counted(settings: Settings) -> dict[str, float]:
    """Return the server's counters, by name and status."""
    with urllib.request.urlopen(f"http://127.0.0.1:{settings.metrics_port}", timeout=PATIENCE) as got:
        rows = [line.rpartition(" ") for line in got.read().decode().splitlines() if line[:1] != "#"]
    return {name.partition("{")[0] + name.partition("status=")[2]: float(value) for name, _, value in rows}


def test_requests_are_counted_with_those_that_their_client_has_left(server: tuple[int, Settings]) -> None:
    port, settings = server
    success, failure = "model_infer_request_success_total", "model_infer_request_failure_total"
    before = counted(settings)
    with connected(port) as connection:
        connection.send(post() + post(body=b"{}"))
        assert [connection.answer()[0] for _ in range(2)] == [200, 400]
        connection.send(post()[:-10])
    # The server notices that the client has gone before it answers the next request.
    with connected(port) as connection:
        connection.send(post())
        connection.answer()
    after = counted(settings)
    grown = {
        name: value - before.get(name, 0)
        for name, value in after.items()
        if name.startswith((success, failure))
    }
    assert grown[success] == 2
    assert grown[f'{failure}"400"}}'] == grown[f'{failure}"499"}}'] == 1


class Broken:
    """A dispatcher with a fault."""

    def dispatch(self, pending: PendingRequest) -> None:
        raise RuntimeError(pending.uid)


def test_a_fault_of_ours_is_not_taken_for_the_clients(
    settings: Settings, models: InProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    fast_path = FastPath(settings, cast("Dispatcher", Broken()), Metrics(settings))
    config = uvicorn.Config(make_app(settings, models), lifespan="off", log_config=None)

    async def ask() -> bytes:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: ModelProtocol(fast_path, config=config, server_state=ServerState(), app_state={}),
            "127.0.0.1",
            0,
        )
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(post(Connection="close"))
        answer = await reader.read()
        writer.close()
        server.close()
        return answer

    answer = asyncio.run(ask())
    assert answer.startswith(b"HTTP/1.1 500")
    assert answer.endswith(b'{"error":"internal error: RuntimeError"}')
    assert "RuntimeError: line-1" in capsys.readouterr().out


def test_a_request_that_has_begun_is_answered_when_the_server_stops(settings: Settings) -> None:
    with running(settings) as (process, port):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client:
            wait_until_ready(client)
        request = post()
        with connected(port) as connection:
            connection.send(request[:-10])
            process.send_signal(signal.SIGTERM)
            wait_until_refused(port)
            connection.send(request[-10:])
            status, headers, _ = connection.answer()
            assert (status, headers["connection"]) == (200, "close")
            assert connection.is_closed()
        assert process.wait(PATIENCE) == 0


def wait_until_refused(port: int) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        except OSError:
            return
