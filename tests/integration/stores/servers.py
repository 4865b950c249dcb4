"""Other S3 servers, each started on loopback with the bucket that the tests use.

moto, localbucket and nanio come from the Python package index (group `stores`), gofakes3 is built from its Go
module: none of them verifies checksums, and nanio ignores If-None-Match too.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from tests.integration.stores.conftest import ACCESS_KEY, BUCKET, SECRET_KEY
from tools import toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PATIENCE = 60
REGION = "us-east-1"
_BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Foreign:
    """Another S3 server.

    Attributes:
        command: starts it on a port of loopback, with its own folder.
        environment: its environment variables.
    """

    command: Callable[[int, Path], tuple[str | Path, ...]]
    environment: Mapping[str, str] = field(default_factory=dict)


def _gofakes3(port: int, _: Path) -> tuple[str | Path, ...]:
    program = toolchain.obtain(["gofakes3"], toolchain.ProgressPrinter())["gofakes3"]
    return program, "-backend", "memory", "-host", f"127.0.0.1:{port}"


FOREIGN: Mapping[str, Foreign] = {
    "moto": Foreign(lambda port, _: (_BIN / "moto_server", "-H", "127.0.0.1", "-p", str(port))),
    "gofakes3": Foreign(_gofakes3),
    "localbucket": Foreign(lambda port, folder: (_BIN / "localbucket", folder, "--port", str(port))),
    "nanio": Foreign(
        lambda port, folder: (
            *(_BIN / "nanio", "serve", "--host", "127.0.0.1", "--port", str(port)),
            *("--data-dir", folder, "--log-level", "error", "--no-access-log"),
        ),
        {"NANIO_ACCESS_KEY": ACCESS_KEY, "NANIO_SECRET_KEY": SECRET_KEY},
    ),
}


TAKEN = ("moto", "gofakes3", "localbucket")
"""The servers that accept pushes."""


@contextmanager
def started(name: str, folder: Path) -> Iterator[str]:
    """Start a server, and create the bucket; yield its endpoint."""
    foreign = FOREIGN[name]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    with (folder / "log").open("w") as log:
        command = foreign.command(port, folder)
        process = subprocess.Popen(
            command, env={**os.environ, **foreign.environment}, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            endpoint = f"http://127.0.0.1:{port}"
            _make_bucket(process, endpoint, folder / "log")
            yield endpoint
        finally:
            # It keeps nothing.
            process.kill()
            process.wait()


def _make_bucket(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(retries={"total_max_attempts": 1}),
    )
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            client.create_bucket(Bucket=BUCKET)
        except (EndpointConnectionError, ConnectionClosedError):
            # The server does not listen yet.
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return
