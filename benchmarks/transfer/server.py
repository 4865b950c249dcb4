"""The S3 server of all measurements, and ways to it with a longer round trip."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from benchmarks.transfer.delay import Traffic
from tools.toolchain import ToolchainError

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "models"
REGION = "us-east-1"
CHECKOUT = Path(__file__).parents[2]
_ACCESS_KEY, _SECRET_KEY = "benchmark-access", "benchmark-secret"
_SECONDS_TO_START = 30


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        endpoint: its URL.
        bucket: the folder in which it keeps each object of `BUCKET` as a file.
    """

    endpoint: str
    bucket: Path


@contextmanager
def running(program: Path, folder: Path) -> Iterator[Server]:
    """Run an S3 server that keeps its objects in `folder`; clients find its keys in the environment."""
    bucket = folder / BUCKET
    bucket.mkdir(parents=True)
    _set_environment(folder)
    address = f"127.0.0.1:{_free_port()}"
    options = [
        f"--access={_ACCESS_KEY}",
        f"--secret={_SECRET_KEY}",
        f"--port={address}",
        f"--region={REGION}",
    ]
    options += ["--quiet", "--keep-alive", "--health=/health"]
    with (
        (folder / "server.log").open("w") as log,
        subprocess.Popen([program, *options, "posix", folder], stdout=log, stderr=log) as process,
    ):
        try:
            _wait(process, f"http://{address}/health", folder / "server.log")
            yield Server(f"http://{address}", bucket)
        finally:
            process.terminate()


@dataclass(frozen=True)
class Way:
    """A way to the server: its endpoint, the seconds of a round trip, and the proxy on it, if any."""

    endpoint: str
    rtt: float
    proxy: subprocess.Popen[str] | None = None

    def traffic(self) -> Traffic:
        """Return the proxy's traffic so far; zeros without a proxy."""
        if self.proxy is None:
            return Traffic()
        stdin, stdout = _pipes(self.proxy)
        stdin.write("\n")
        stdin.flush()
        return Traffic(**json.loads(stdout.readline()))


@contextmanager
def way_to(endpoint: str, rtt: float) -> Iterator[Way]:
    """Yield a way to `endpoint` on which a round trip takes `rtt` seconds; without a proxy if that is 0."""
    if not rtt:
        yield Way(endpoint, 0)
        return
    command = [sys.executable, "-m", "benchmarks.transfer.delay", endpoint.removeprefix("http://"), str(rtt)]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as proxy:
        try:
            port = _pipes(proxy)[1].readline().strip()
            yield Way(f"http://127.0.0.1:{port}", rtt, proxy)
        finally:
            proxy.terminate()


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    if process.stdin is None or process.stdout is None:
        raise ValueError("a process without pipes")
    return process.stdin, process.stdout


def _set_environment(folder: Path) -> None:
    absent = str(folder / "absent")
    os.environ |= {
        "AWS_ACCESS_KEY_ID": _ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": _SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        # Use neither the machine's AWS configuration nor a metadata service.
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": absent,
        "AWS_SHARED_CREDENTIALS_FILE": absent,
        "NO_PROXY": "127.0.0.1",
    }
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        os.environ.pop(name, None)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 (http, as written above)
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise ToolchainError(f"the S3 server does not start; see {log}") from None
            time.sleep(0.05)
