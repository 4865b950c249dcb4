"""The server of the pods with all pipelines of one kind: its start, its memory, its answers."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import psutil

from benchmarks.openstef.worker import ENVIRONMENT
from benchmarks.result_files import CHECKOUT
from bluegrid_registry import BluegridError

if TYPE_CHECKING:
    from pathlib import Path

SET, SERVICE = "load", "load"
MIB = 2**20
_PATIENCE = 1_800.0
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Pod:
    """What a server took.

    Attributes:
        start_seconds: until ready, with fetch and verify.
        cpu_seconds: of all its processes until then.
        mib: of memory after the request; shared pages are counted once (PSS).
        request_seconds: of one request for several forecasts.
    """

    start_seconds: float
    cpu_seconds: float
    mib: float
    request_seconds: float


def measure(python: Path, store: str, version: str, manifest: str, request: Path, folder: Path) -> Pod:
    """Start a server, send it one request, and end it.

    Args:
        python: of the environment with OpenSTEF.
        store: the store's address.
        version: the ID of the version.
        manifest: its digest.
        request: the body of the request.
        folder: for the fetched models.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings = {
        "STORE": store, "SET": SET, "VERSION": version, "MANIFEST": manifest, "TYPE": "openstef/joblib",
        "SERVICE": SERVICE, "CLUSTER": "d1", "TRUST": "[]", "MODELS": str(folder), "HOST": "127.0.0.1",
        "PORT": str(port), "WORKERS": "2",
    }  # fmt: skip
    environment = {
        **os.environ,
        **ENVIRONMENT,
        **{f"BLUEGRID_{name}": each for name, each in settings.items()},
    }
    log = folder.with_suffix(".log")
    started = time.perf_counter()
    with (
        log.open("w") as output,
        subprocess.Popen(
            [python, "-m", "bluegrid_server", "serve"],
            cwd=CHECKOUT, env=environment, stdout=output, stderr=subprocess.STDOUT,
        ) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/modelService/{SERVICE}/v2", timeout=600) as client,
    ):  # fmt: skip
        try:
            _wait(client, process, log)
            ready = time.perf_counter()
            cpu = _cpu(psutil.Process(process.pid))
            answered = client.post(
                "/models:batchInfer", content=request.read_bytes(), headers=_JSON
            ).raise_for_status()
            ended = time.perf_counter()
            _check(answered.json())
            return Pod(ready - started, cpu, _pss(psutil.Process(process.pid)), ended - ready)
        finally:
            process.terminate()


def _wait(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            if client.get("/health/ready").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise BluegridError(f"the server is not ready: {log.read_text()}")
        time.sleep(0.05)


def _check(answer: dict[str, Any]) -> None:
    if failed := [each["error"] for each in answer["responses"] if "error" in each]:
        raise BluegridError(f"a pipeline does not answer: {failed[0]}")


def _processes(server: psutil.Process) -> list[psutil.Process]:
    return [server, *server.children(recursive=True)]


def _pss(server: psutil.Process) -> float:
    return sum(float(each.memory_full_info().pss) for each in _processes(server)) / MIB


def _cpu(server: psutil.Process) -> float:
    times = [each.cpu_times() for each in _processes(server)]
    return sum(each.user + each.system + each.children_user + each.children_system for each in times)
