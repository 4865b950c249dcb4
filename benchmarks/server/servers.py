"""Starts a server on a separate core, and reads its memory."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import psutil

from benchmarks.peers import venv_of
from benchmarks.rows import OURS
from benchmarks.server.client import HOST
from benchmarks.server.models import MODEL_TYPE, SET, VERSION
from bluegrid_registry import BluegridError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.server.models import Models

PEERS = Path(__file__).parent / "peers"
SERVICE = "bench"
_ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
MIB = 2**20


class NotReadyError(BluegridError):
    """A server did not become ready."""


@dataclass(frozen=True)
class Running:
    """A server that is ready.

    Attributes:
        port: its port on 127.0.0.1.
        start_seconds: from its start until its ready path answers 200.
        process: its first process.
    """

    port: int
    start_seconds: float
    process: psutil.Process

    def kill(self) -> None:
        """Kill all of its processes at once, as the kernel does when memory is short."""
        family = [self.process, *self.process.children(recursive=True)]
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(family)

    def memory_mib(self) -> float:
        """Return the memory of its processes in MiB; shared pages are counted once (PSS)."""
        processes = [self.process, *self.process.children(recursive=True)]
        return sum(float(each.memory_full_info().pss) for each in processes) / MIB


class Server(ABC):
    """A kind of server, with scikit-learn models.

    Attributes:
        name: for people.
        is_peer: whether people use it; the bare loop is a yardstick.
    """

    name: ClassVar[str]
    is_peer: ClassVar[bool] = True
    ready_path: ClassVar[str] = "/v2/health/ready"

    def infer_path(self, uid: str) -> str:
        """Return the path at which a model answers."""
        return f"/v2/models/{uid}/infer"

    @abstractmethod
    def command(self, models: Models, port: int, folder: Path) -> list[str | Path]:
        """Return the command that starts it; `folder` is empty and used by nothing else."""

    def environment(self, models: Models, folder: Path) -> dict[str, str]:  # noqa: ARG002
        """Return the environment variables that it needs."""
        return {}

    @contextmanager
    def running(
        self, models: Models, folder: Path, core: int, limit: float, *, again: bool = False
    ) -> Iterator[Running]:
        """Run it on one core; yield it when it is ready.

        Args:
            models: to serve.
            folder: of its files, which are deleted afterwards.
            core: number of the core.
            limit: seconds until it has to be ready.
            again: keep the files of the last run, as for a container that is started again.

        Raises:
            NotReadyError: it ended, or was not ready after `limit` seconds; the message has its output.
        """
        port = _free_ports(1)[0]
        if not again:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        command = self.command(models, port, folder)
        log = folder / "log"
        environment = {**os.environ, **_ONE_THREAD, **self.environment(models, folder)}
        before, started = os.sched_getaffinity(0), time.perf_counter()
        # A child inherits its parent's cores: no code has to run between fork and exec.
        os.sched_setaffinity(0, {core})
        try:
            with log.open("wb") as output:
                process = psutil.Popen(
                    command,
                    env=environment,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                )
        finally:
            os.sched_setaffinity(0, before)
        try:
            while not _is_ready(port, self.ready_path):
                if process.poll() is not None or time.perf_counter() - started > limit:
                    output_end = log.read_text(errors="replace")[-2000:]
                    raise NotReadyError(
                        f"{self.name} with {len(models.uids):,} models is not ready: {output_end}"
                    )
                time.sleep(0.02)
            yield Running(port, time.perf_counter() - started, psutil.Process(process.pid))
        finally:
            _stop(process)
            shutil.rmtree(folder, ignore_errors=True)


class Ours(Server):
    """bluegrid's model server, as its pod runs it."""

    name = OURS
    is_peer = False
    ready_path = f"/modelService/{SERVICE}/v2/health/ready"
    batch_path = f"/modelService/{SERVICE}/v2/models:batchInfer"
    accelerate: ClassVar[str] = ""

    def infer_path(self, uid: str) -> str:
        """Return a path below the service."""
        return f"/modelService/{SERVICE}/v2/models/{uid}/infer"

    def command(self, models: Models, port: int, folder: Path) -> list[str | Path]:  # noqa: ARG002
        """Return the command of the module."""
        return [sys.executable, "-m", "benchmarks.server.run_ours", str(port)]

    def environment(self, models: Models, folder: Path) -> dict[str, str]:
        """Return the same variables as in a pod."""
        settings = {
            "STORE": models.store,
            "SET": SET,
            "VERSION": VERSION,
            "MANIFEST": models.manifest,
            "TYPE": str(MODEL_TYPE),
            "SERVICE": SERVICE,
            "CLUSTER": "a",
            "TRUST": json.dumps(models.trust),
            "MODELS": str(folder / "models"),
        }
        if self.accelerate:
            settings["ACCELERATE"] = self.accelerate
        return {f"BLUEGRID_{name}": value for name, value in settings.items()}


class ByFramework(Ours):
    """bluegrid's model server with models that their framework computes."""

    name = f"{OURS}, by its framework"
    accelerate = "none"


class Bare(Server):
    """An event loop, a JSON parser and the model."""

    name = "bare loop"
    is_peer = False
    runtime: ClassVar[str] = "sklearn"

    def command(self, models: Models, port: int, folder: Path) -> list[str | Path]:  # noqa: ARG002
        """Return the command, in our own environment."""
        return [sys.executable, PEERS / "bare" / "serve.py", str(port), models.files, self.runtime]


class BareOnnx(Bare):
    """The bare loop with ONNX Runtime."""

    name = "bare loop, ONNX Runtime"
    runtime = "onnx"


class MLServer(Server):
    """MLServer in one process, as its documentation recommends for a single core."""

    name = "MLServer"

    def command(self, models: Models, port: int, folder: Path) -> list[str | Path]:
        """Write the settings of the server and of each model; return the command."""
        grpc, metrics = _free_ports(2)
        settings = {
            "http_port": port,
            "grpc_port": grpc,
            "metrics_port": metrics,
            "parallel_workers": 0,
            "debug": False,
        }
        (folder / "settings.json").write_text(json.dumps(settings))
        for uid in models.uids:
            (folder / uid).mkdir()
            model = {
                "name": uid,
                "implementation": "mlserver_sklearn.SKLearnModel",
                "parameters": {"uri": str(models.files / f"{uid}.joblib")},
            }
            (folder / uid / "model-settings.json").write_text(json.dumps(model))
        return [venv_of(PEERS / "mlserver") / "bin" / "mlserver", "start", folder]


class KServe(Server):
    """KServe's Python server."""

    name = "KServe"

    def command(self, models: Models, port: int, folder: Path) -> list[str | Path]:  # noqa: ARG002
        """Return the command, in KServe's own environment."""
        python = venv_of(PEERS / "kserve") / "bin" / "python"
        return [python, PEERS / "kserve" / "serve.py", str(port), models.files]


def _free_ports(count: int) -> list[int]:
    opened = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in opened]
    for each in opened:
        each.close()
    return ports


def _is_ready(port: int, path: str) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=5) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def _stop(process: psutil.Popen) -> None:
    family = [process, *(process.children(recursive=True) if process.is_running() else [])]
    for each in family:
        try:
            each.terminate()
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(family, timeout=10)
    for each in alive:
        each.kill()
    psutil.wait_procs(alive)
