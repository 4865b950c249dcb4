"""`bluegrid serve` as a user runs it: answers, warnings, and its end, which leaves nothing."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from bluegrid_registry import ModelSet, models_in_folder
from tests.process.bluegrid_server.server_process import PATIENCE, free_port
from tests.support.command import BLUEGRID, bluegrid
from tests.support.pods import ROWS, SKOPS
from tests.support.served import trained as trained

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.pods import Trained

TYPE = ("--type", "scikit-learn/skops")


class Serving:
    """A `bluegrid serve` that answers requests."""

    def __init__(self, process: subprocess.Popen[str], temporary: Path) -> None:
        self.process, self.temporary = process, temporary
        # The command goes on running after its JSON object.
        lines = [*itertools.takewhile(lambda line: line != "}\n", process.stdout or ())]
        assert lines, process.communicate()[1]
        self.served = json.loads("".join([*lines, "}"]))
        self.url = self.served["url"]
        self.family = [*psutil.Process(process.pid).children(recursive=True)]

    def left(self) -> list[object]:
        """Return the processes and files that are there."""
        _, alive = psutil.wait_procs(self.family, timeout=5)
        return [*alive, *self.temporary.iterdir()]

    def end(self, number: signal.Signals) -> str:
        """End it by a signal; return its standard error."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=PATIENCE)
        return err


@contextmanager
def serving(temporary: Path, *arguments: str | Path) -> Iterator[Serving]:
    temporary.mkdir(exist_ok=True)
    command = [BLUEGRID, "serve", *arguments, "--port", str(free_port()), "--json"]
    with subprocess.Popen(
        command,
        env=os.environ | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Serving(process, temporary)
        finally:
            process.kill()


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    return tmp_path / "temporary"


@pytest.fixture
def folder(trained: Trained, tmp_path: Path) -> Path:
    """A copy of the trained models, one of them in a folder."""
    models = tmp_path / "Line models"
    shutil.copytree(trained.folder, models)
    (models / "feeder").mkdir()
    shutil.copy(models / "line-1.skops", models / "feeder" / "7.skops")
    return models


def test_a_folder_is_served_until_ctrl_c_and_nothing_is_left(
    temporary: Path, folder: Path, trained: Trained
) -> None:
    with serving(temporary, folder, *TYPE) as server:
        assert server.served["models"] == 4
        assert server.url.endswith("/modelService/line-models")
        for uid, expected in (("line-2", "line-2"), ("feeder/7", "line-1")):
            done = bluegrid("predict", uid, "--url", server.url, *map(str, ROWS[0]), "--json")
            answer = json.loads(done.stdout)
            assert answer["predictions"] == pytest.approx([trained.predictions[expected][0]])
            assert (answer["cluster"], answer["version"]) == ("local", "v1")
        inputs = [{"name": "x", "shape": [2, 3], "datatype": "FP64", "data": ROWS}]
        infer = httpx.post(f"{server.url}/v2/models/feeder%2F7/infer", json={"inputs": inputs})
        assert infer.json()["outputs"][0]["data"] == pytest.approx(trained.predictions["line-1"])
        unknown = bluegrid("predict", "line-9", "--url", server.url, "1")
        assert (unknown.returncode, unknown.stdout) == (1, "")
        assert unknown.stderr.startswith(f"error: {server.url} (version v1): ")
        example = subprocess.run(
            ["sh", "-c", server.served["example"].replace("bluegrid", str(BLUEGRID), 1)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert example.stdout.startswith("[")
        assert len(server.family) > 2
        assert server.end(signal.SIGINT) == "stopped\n"
        assert server.process.returncode == 0
        assert server.left() == []


def test_a_version_of_a_registry_is_served_as_its_service(
    temporary: Path, tmp_path: Path, trained: Trained
) -> None:
    for name in ("registry", "store"):
        (tmp_path / name).mkdir()
    head = "set: {id: g1, name: Lines, task: regression, type: scikit-learn/skops, source: user}\n"
    (tmp_path / "registry" / "g1.yaml").write_text(f"{head}versions: []\n")
    store = (tmp_path / "store").as_uri()
    model_set = ModelSet.open("g1", tmp_path / "registry", store)
    report = model_set.push("v2", models_in_folder(trained.folder, SKOPS))
    where = ["--registry", str(tmp_path / "registry"), "--store", store]
    with serving(temporary, "g1", "v2", *where, "--service", "line-loading", "--workers", "2") as server:
        ready = httpx.get(f"{server.url}/v2/health/ready")
        assert ready.json() == {"ready": True}
        assert ready.headers["Bluegrid-Set"] == "g1"
        assert ready.headers["Bluegrid-Version"] == "v2"
        assert ready.headers["Bluegrid-Digest"] == report.manifest
        assert server.url.endswith("/modelService/line-loading")
        assert "stopped" in server.end(signal.SIGTERM)
        assert server.left() == []


def test_a_command_that_is_killed_leaves_no_process(temporary: Path, folder: Path) -> None:
    with serving(temporary, folder, *TYPE) as server:
        server.end(signal.SIGKILL)
        _, alive = psutil.wait_procs(server.family, timeout=PATIENCE)
        assert alive == []


def test_a_server_that_ends_by_itself_ends_the_command_with_an_error(temporary: Path, folder: Path) -> None:
    with serving(temporary, folder, *TYPE) as server:
        psutil.Process(server.process.pid).children()[0].kill()
        _, err = server.process.communicate(timeout=PATIENCE)
        assert (server.process.returncode, err) == (1, "error: the server ended with status -9\n")
        assert server.left() == []


@pytest.mark.parametrize("fault", ["not a model", "wrong example", "port taken"])
def test_what_the_server_refuses_is_one_line(fault: str, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "temporary").mkdir()
    port = free_port()
    with socket.create_server(("127.0.0.1", port if fault == "port taken" else 0)):
        if fault == "wrong example":
            examples = json.loads((folder / "examples.json").read_text())
            examples["line-2"]["outputs"][1] += 0.001
            (folder / "examples.json").write_text(json.dumps(examples))
        elif fault == "not a model":
            (folder / "line-9.skops").write_bytes(b"no model")
        done = bluegrid("serve", folder, *TYPE, "--port", str(port), TMPDIR=str(tmp_path / "temporary"))
    message = {
        "not a model": "line-9",
        "wrong example": "set line-models version v1: model line-2 does not reproduce its recorded example",
        "port taken": f"cannot listen on 127.0.0.1, port {port}: Address already in use; choose another",
    }[fault]
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert [*(tmp_path / "temporary").iterdir()] == []
