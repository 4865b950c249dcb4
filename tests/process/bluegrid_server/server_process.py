"""A server as a process with a socket, as a pod runs it, for tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from tests.support.pods import environment_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid_server.settings import Settings

PATIENCE = 60


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def running(settings: Settings, port: int | None = None) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a server at this port; None: at a free one."""
    port = port or free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "bluegrid_server", "serve"],
        env={**os.environ, **environment_of(settings), "BLUEGRID_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process, port
        finally:
            process.kill()


def wait_for(client: httpx.Client, readiness: object) -> httpx.Response:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            answer = client.get("/health/ready")
            if answer.json() == readiness:
                return answer
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"did not come to {readiness}")


def wait_until_ready(client: httpx.Client) -> None:
    """Wait until the server takes requests."""
    wait_for(client, {"ready": True})
