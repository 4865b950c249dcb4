"""Where models are at rest: an MLflow server and an S3 server on loopback, or folders."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.openstef.worker import ENVIRONMENT
from benchmarks.peers import venv_of
from benchmarks.result_files import CHECKOUT
from benchmarks.transfer import server as s3
from bluegrid_registry import BluegridError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.transfer.server import Way

PEER = CHECKOUT / "tests" / "integration" / "mlflow"
"""Has the pinned packages of the MLflow that the tests run too, and the benchmark shares its environment."""
_SECONDS_TO_START = 120.0
ON_SERVERS, AS_BY_DEFAULT, IN_FOLDERS = "on servers", "on servers as by default", "in folders"
_NO_DELAY = 1e-9
"""Seconds of a round trip: the proxy that counts is the one that can make ways longer."""


@dataclass(frozen=True)
class Place:
    """Where both sides keep their models.

    Attributes:
        name: for people.
        mlflow: URI for OpenSTEF's storage.
        store: address for ours.
    """

    name: str
    mlflow: str
    store: str


@dataclass(frozen=True)
class Servers:
    """Both servers, and ways to them on which requests are counted.

    Attributes:
        place: straight to them.
        counted: the same, through the ways.
        to_mlflow: the way to MLflow's server.
        to_store: the way to the S3 server.
    """

    place: Place
    counted: Place
    to_mlflow: Way
    to_store: Way


@contextmanager
def by_default(servers: Servers, folder: Path) -> Iterator[Place]:
    """Run another MLflow server as it is by default, beside the S3 server that runs."""
    with _mlflow(folder / "mlflow-by-default") as tracking:
        yield Place(AS_BY_DEFAULT, tracking, servers.place.store.replace("/models?", "/by-default?"))


def folders(folder: Path) -> Place:
    """Return folders, of MLflow without a server and of a store."""
    store = folder / "store"
    store.mkdir(parents=True)
    return Place(IN_FOLDERS, str(folder / "mlflow"), store.as_uri())


@contextmanager
def servers(s3_program: Path, folder: Path) -> Iterator[Servers]:
    """Run both servers, with their files in `folder`."""
    with (
        s3.running(s3_program, folder / "s3") as store,
        # With more, as by default, no socket of uvicorn has TCP_NODELAY, and each response takes 40 ms.
        _mlflow(folder / "mlflow", "--workers", "1") as tracking,
        s3.way_to(tracking, _NO_DELAY) as to_mlflow,
        s3.way_to(store.endpoint, _NO_DELAY) as to_store,
    ):
        yield Servers(
            Place(ON_SERVERS, tracking, _address(store.endpoint)),
            Place(ON_SERVERS, to_mlflow.endpoint, _address(to_store.endpoint)),
            to_mlflow,
            to_store,
        )


def _address(endpoint: str) -> str:
    return f"s3://{s3.BUCKET}/models?endpoint={endpoint}&region={s3.REGION}"


@contextmanager
def _mlflow(folder: Path, *options: str) -> Iterator[str]:
    """Run MLflow's server with a database and a folder of artifacts; yield its URL."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command: list[str | Path] = [
        *(venv_of(PEER) / "bin" / "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
        *("--artifacts-destination", folder / "artifacts"),
        *options,
    ]
    log = folder / "server.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, cwd=folder, env={**os.environ, **ENVIRONMENT}, stdout=output, stderr=subprocess.STDOUT
        ) as server,
    ):
        try:
            _wait(server, f"http://127.0.0.1:{port}", log)
            yield f"http://127.0.0.1:{port}"
        finally:
            # The server has a child for each worker, which a signal to the parent ends.
            server.terminate()


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):  # noqa: S310 (http, as written above)
                return
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise BluegridError(f"MLflow's server does not start: {log.read_text()}") from None
            time.sleep(0.1)
