"""The server as a process with a socket, as a pod runs it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.unit.server.pods import BASE, environment_of, tensor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from model_server.settings import Settings

pytestmark = pytest.mark.process

_RUN = """
import os, sys
from model_server import logs
from model_server.serve import ModelServer
from model_server.settings import Settings
logs.configure()
sys.exit(ModelServer(Settings.from_environment(os.environ), port=int(sys.argv[1])).run())
"""

_PATIENCE = 60


@contextmanager
def _running(settings: Settings) -> Iterator[tuple[subprocess.Popen[str], int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-c", _RUN, str(port)],
        env={**os.environ, **environment_of(settings)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process, port
        finally:
            process.kill()


def _wait_for(client: httpx.Client, readiness: object) -> httpx.Response:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            answer = client.get("/health/ready")
            if answer.json() == readiness:
                return answer
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"did not come to {readiness}")


def _raw(port: int, request: bytes) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as connection:
        connection.sendall(request)
        return connection.makefile().read()


def test_a_server_answers_under_its_names_until_it_is_told_to_stop(settings: Settings) -> None:
    with (
        _running(settings) as (process, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client,
    ):
        _wait_for(client, {"ready": True})
        names = {
            "bluegrid-set": "g1",
            "bluegrid-version": "v1",
            "bluegrid-cluster": "d1",
            "bluegrid-digest": settings.manifest,
        }
        answers = [
            client.post("/models/line-1/infer", json=tensor()),
            client.post("/models/line-1/infer", json={}),
            client.get("/models/line-9"),
            client.get("/models/line-1/infer"),
            client.get("/nowhere"),
        ]
        assert [answer.status_code for answer in answers] == [200, 400, 404, 405, 404]
        for answer in answers:
            assert names.items() <= dict(answer.headers).items()
        garbage = _raw(port, b"no HTTP at all\r\n\r\n").lower()
        assert garbage.startswith("http/1.1 400")
        for name, value in names.items():
            assert f"{name}: {value}" in garbage
        process.send_signal(signal.SIGTERM)
        assert process.wait(_PATIENCE) == 0


def test_a_version_that_cannot_be_served_ends_the_process_with_its_reason(settings: Settings) -> None:
    broken = settings.model_copy(update={"manifest": "sha256:" + "0" * 64})
    with _running(broken) as (process, _):
        out, err = process.communicate(timeout=_PATIENCE)
        assert process.returncode == 3
        assert err.startswith("set g1 version v1: published as manifest sha256:")
        assert err.count("\n") == 1
        assert "Traceback" not in out


def test_a_server_is_live_while_its_version_is_not_there(settings: Settings, tmp_path: Path) -> None:
    # A store that blocks like one that is slow: the commit is a pipe that nobody writes to.
    (commit,) = (tmp_path / "store").rglob("v1.json")
    commit.unlink()
    os.mkfifo(commit)
    with _running(settings) as (_, port), httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client:
        ready = _wait_for(client, {"ready": False, "reason": "set g1 version v1: fetching"})
        assert ready.status_code == 503
        assert client.get("/health/live").json() == {"live": True}
        assert ready.headers["bluegrid-version"] == "v1"
