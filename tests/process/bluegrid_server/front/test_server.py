"""The server as a process with a socket, as a pod runs it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest
import skops.io
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from tests.process.bluegrid_server.server_process import (
    PATIENCE,
    free_port,
    running,
    wait_for,
    wait_until_ready,
)
from tests.support.pods import BASE, ROWS, tensor

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from bluegrid_server.settings import Settings
    from tests.support.pods import Trained


def _raw(port: int, request: bytes) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        return connection.makefile().read()


def test_a_server_answers_under_its_names_until_it_is_told_to_stop(settings: Settings) -> None:
    with (
        running(settings) as (process, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client,
    ):
        wait_until_ready(client)
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
        assert process.wait(PATIENCE) == 0


def test_a_version_that_cannot_be_served_ends_the_process_with_its_reason(settings: Settings) -> None:
    broken = settings.model_copy(update={"manifest": "sha256:" + "0" * 64})
    with running(broken) as (process, _):
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 3
        assert err.startswith("set g1 version v1: published as manifest sha256:")
        assert err.count("\n") == 1
        assert "Traceback" not in out


def test_a_server_is_live_while_its_version_is_not_there(settings: Settings, tmp_path: Path) -> None:
    # A store that blocks like a slow store: the commit is a pipe without a writer.
    (commit,) = (tmp_path / "store").rglob("v1.json")
    commit.unlink()
    os.mkfifo(commit)
    with running(settings) as (_, port), httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client:
        ready = wait_for(client, {"ready": False, "reason": "set g1 version v1: fetching"})
        assert ready.status_code == 503
        assert client.get("/health/live").json() == {"live": True}
        assert ready.headers["bluegrid-version"] == "v1"


def _ask(port: int, **changed: object) -> httpx.Response:
    url = f"http://127.0.0.1:{port}{BASE}/models/line-1/infer"
    return httpx.post(url, json=tensor(**changed), timeout=PATIENCE)


def test_a_client_that_goes_before_its_answer_harms_nobody(settings: Settings) -> None:
    body = json.dumps(tensor()).encode()
    head = (
        f"POST {BASE}/models/line-1/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )
    with running(settings) as (process, port):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client:
            wait_until_ready(client)
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(head + body)
        assert _ask(port).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def _family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    front = psutil.Process(process.pid)
    return [front, *front.children(recursive=True)]


def _with_a_framework(process: subprocess.Popen[str]) -> list[bool]:
    return [any("sklearn" in each.path for each in member.memory_maps()) for member in _family(process)]


def test_linear_models_leave_no_framework_in_memory_and_wait_for_no_worker(settings: Settings) -> None:
    with running(settings) as (process, port):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client:
            wait_until_ready(client)
        assert _with_a_framework(process) == [False, False, False]
        worker = _family(process)[-1]
        worker.suspend()
        assert _ask(port, shape=[1, 3], data=ROWS[0]).status_code == 200
        worker.resume()
        assert _ask(port).status_code == 200


def test_linear_models_among_others_are_answered_as_those_are(
    tmp_path: Path, publish: Callable[[Path], Settings], trained: Trained
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    shutil.copy(trained.folder / "line-1.skops", folder)
    other = make_pipeline(MinMaxScaler(), Ridge()).fit(ROWS, [1.0, 2.0])
    skops.io.dump(other, folder / "other.skops")
    with running(publish(folder)) as (process, port):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client:
            wait_until_ready(client)
            row = tensor(shape=[1, 3], data=ROWS[0])
            for uid, expected in (
                ("line-1", trained.predictions["line-1"][:1]),
                ("other", other.predict(ROWS[:1]).tolist()),
            ):
                got = client.post(f"/models/{uid}/infer", json=row).json()
                assert got["outputs"][0]["data"] == pytest.approx(expected)
        # The process that serves HTTP imports no framework, whatever the type of the models.
        assert not _with_a_framework(process)[0]


def test_models_are_unloaded_and_loaded_on_the_admin_port_alone(settings: Settings) -> None:
    admin = free_port()
    with running(settings.model_copy(update={"admin_port": admin})) as (_, port):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client:
            wait_until_ready(client)
            assert client.post("/repository/models/line-1/unload").status_code == 404
        with httpx.Client(base_url=f"http://127.0.0.1:{admin}/v2/repository") as client:
            assert client.post("/models/line-1/unload").status_code == 200
            gone = _ask(port)
            assert (gone.status_code, gone.headers["Retry-After"]) == (503, "60")
            assert _ask(port, shape=[1, 3], data=ROWS[0]).status_code == 503
            states = {row["name"]: row["state"] for row in client.post("/index").json()}
            assert states == {"line-1": "UNAVAILABLE", "line-2": "READY", "trafo-1": "READY"}
            refused = client.post("/models/line-1/load", json={"parameters": {"config": "{}"}})
            assert refused.status_code == 400
            assert client.post("/models/line-9/load").status_code == 404
            assert client.post("/models/line-1/load").status_code == 200
            assert _ask(port).status_code == 200
