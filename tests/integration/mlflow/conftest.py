"""Real MLflow servers on loopback, with a database and a folder of artifacts, and what logs to them."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from typer.testing import CliRunner

from bluegrid.cli.main import app
from bluegrid.cli.remedies import message_of
from bluegrid_registry import BluegridError, ModelSet, read_manifest
from tests.integration.mlflow.installed import mlflow_programs, quiet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result

    from bluegrid_registry import Manifest

PATIENCE = 120.0
"""Longest wait for a server on a busy machine, in seconds."""


@dataclass(frozen=True)
class Tracking:
    """A tracking server, and a process that logs to it.

    Attributes:
        url: of the server.
        logger: reads requests of `log_models.py`, and answers each by a line.
    """

    url: str
    logger: subprocess.Popen[str]

    def run(self, experiment: str, *, models: dict[str, str], **details: Any) -> str:
        """Make a run with models of flavours, by name; return its ID."""
        return self._asked({"experiment": experiment, "models": models, **details})

    def register(self, name: str, run: str, alias: str) -> str:
        """Register the model `model` of a run; return its version."""
        return self._asked({"register": name, "run": run, "path": "model", "alias": alias})

    def _asked(self, request: dict[str, Any]) -> str:
        assert self.logger.stdin is not None
        assert self.logger.stdout is not None
        self.logger.stdin.write(json.dumps(request) + "\n")
        self.logger.stdin.flush()
        answer = self.logger.stdout.readline()
        assert answer, "log_models.py has ended; see its output above"
        return str(json.loads(answer))


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder of MLflow's programs."""
    return mlflow_programs()


@pytest.fixture(scope="module")
def tracking(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracking]:
    """A server that serves artifacts by its proxy, as it does by default."""
    folder = tmp_path_factory.mktemp("mlflow")
    with served(programs, folder, "--artifacts-destination", folder / "artifacts") as found:
        yield found


@contextmanager
def served(programs: Path, folder: Path, *arguments: str | Path) -> Iterator[Tracking]:
    """Run a server and a logger until the end of the context."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    database = f"sqlite:///{folder / 'mlflow.db'}"
    command: list[str | Path] = [
        programs / "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    with ExitStack() as stack:
        log = stack.enter_context((folder / "server.log").open("w"))
        server = subprocess.Popen(
            [*command, "--backend-store-uri", database, *arguments],
            cwd=folder, env=quiet(folder), stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        stack.callback(_end, server)
        _wait(server, url, folder / "server.log")
        logger = subprocess.Popen(
            [programs / "python", Path(__file__).with_name("log_models.py"), url],
            cwd=folder, env=quiet(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        stack.callback(_end, logger)
        yield Tracking(url, logger)


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if urllib3.request("GET", f"{url}/health", retries=False, timeout=5).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def _end(process: subprocess.Popen[Any]) -> None:
    # The server has a child for each worker, which a signal to the parent ends.
    process.terminate()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Workplace:
    """A registry with sets, a store, and the command's results.

    Attributes:
        folder: of both.
    """

    folder: Path

    def add_set(self, set_id: str, model_type: str) -> None:
        """Declare a set of the platform."""
        row = f"{{id: {set_id}, name: {set_id}, task: regression, type: {model_type}, source: platform}}"
        (self.folder / "registry" / f"{set_id}.yaml").write_text(f"set: {row}\nversions: []\n")

    def imported(self, tracking: Tracking, *arguments: str, set_id: str = "g1") -> Result:
        """Run `bluegrid import mlflow`."""
        place = ["--tracking-uri", tracking.url, "--set", set_id]
        return CliRunner().invoke(app, ["import", "mlflow", *place, *arguments])

    def result(self, tracking: Tracking, *arguments: str, set_id: str = "g1") -> dict[str, Any]:
        """Run it, and return its JSON."""
        done = self.imported(tracking, *arguments, "--json", set_id=set_id)
        assert done.exit_code == 0, done.output + str(done.exception)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def refusal(self, tracking: Tracking, *arguments: str, set_id: str = "g1") -> list[str]:
        """Run it, and return the lines of its refusal."""
        done = self.imported(tracking, *arguments, set_id=set_id)
        assert isinstance(done.exception, BluegridError), done.output + str(done.exception)
        return message_of(done.exception).splitlines()

    def opened(self, set_id: str = "g1") -> ModelSet:
        """Return a set."""
        return ModelSet.open(set_id, self.folder / "registry", f"file://{self.folder}/store")

    def newest(self, set_id: str = "g1") -> Manifest:
        """Return the manifest of the newest version of a set."""
        found = self.opened(set_id)
        version = found.versions[-1]
        return read_manifest(found.store, set_id, version.id, version.manifest)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """A registry with set g1 of pickles, without versions."""
    for name in ("registry", "store"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BLUEGRID_STORE", f"file://{tmp_path}/store")
    found = Workplace(tmp_path)
    found.add_set("g1", "scikit-learn/pickle")
    return found
