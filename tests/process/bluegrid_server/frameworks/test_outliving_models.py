"""Models of plug-ins that outlive a fork: how often they are loaded, and what the preflight refuses."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from bluegrid_registry import ModelType
from tests.process.bluegrid_server.frameworks.counted_plugin.counted import LOADS
from tests.process.bluegrid_server.frameworks.plugins import installed
from tests.process.bluegrid_server.server_process import PATIENCE, running, wait_until_ready
from tests.support.pods import BASE, environment_of, published

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid_server.settings import Settings

UIDS = ("line-1", "line-2", "line-3")
WORKERS = 2


@pytest.fixture(scope="module")
def _installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with installed(Path(__file__).with_name("counted_plugin"), tmp_path_factory.mktemp("plug-in")):
        yield


@pytest.fixture
def loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that gets a line for each load."""
    file = tmp_path / "loads"
    file.touch()
    monkeypatch.setenv(LOADS, str(file))
    return file


def pushed(work: Path, kind: str) -> Settings:
    models = work / "trained"
    models.mkdir()
    for uid in UIDS:
        (models / f"{uid}.{kind}").write_text(uid)
    return published(work, models, ModelType.parse(f"counted/{kind}")).model_copy(update={"workers": WORKERS})


def infer(client: httpx.Client, value: float | None) -> httpx.Response:
    tensor = {"name": "x", "shape": [1], "datatype": "FP64", "data": [value]}
    return client.post("/models/line-1/infer", json={"inputs": [tensor]})


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize(
    ("kind", "processes", "more"), [("shared", 1, 0), ("own", WORKERS, len(UIDS))], ids=["shared", "own"]
)
@pytest.mark.served("plug-ins", "models that outlive a fork: loaded once for all workers")
def test_models_that_outlive_a_fork_are_loaded_once_also_after_a_worker_has_ended(
    kind: str, processes: int, more: int, tmp_path: Path, loads: Path
) -> None:
    with (
        running(pushed(tmp_path, kind)) as (_, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}", timeout=60) as client,
    ):
        wait_until_ready(client)
        found = loads.read_text().split()
        assert len({*found}) == processes
        assert len(found) == processes * len(UIDS)
        worker = infer(client, 1.0).json()["outputs"][0]["data"]
        assert infer(client, None).status_code == 500
        deadline = time.monotonic() + PATIENCE
        while len(loads.read_text().split()) < len(found) + more and time.monotonic() < deadline:
            time.sleep(0.05)
        assert infer(client, 1.0).json()["outputs"][0]["data"] != worker
        assert len(loads.read_text().split()) == len(found) + more


REFUSED = (
    "BLUEGRID_TYPE: the plug-in of counted/{kind} says outlives_fork=True, but its models have started what "
    "forked workers do not have: threads: {threads}, child processes: {children}; leave outlives_fork out"
)


def preflight(settings: Settings) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bluegrid_server", "preflight"],
        env={**os.environ, **environment_of(settings)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.mark.usefixtures("_installed", "loads")
@pytest.mark.parametrize("kind", ["shared", "brief"])
def test_a_preflight_takes_models_that_start_nothing_that_stays(kind: str, tmp_path: Path) -> None:
    done = preflight(pushed(tmp_path, kind))
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("_installed", "loads")
@pytest.mark.parametrize(
    ("kind", "threads", "children"),
    [
        ("thread", 3, 0),
        ("late", 3, 0),
        ("child", 0, 3),
    ],
)
def test_a_preflight_refuses_models_that_start_what_a_fork_leaves_behind(
    kind: str, threads: int, children: int, tmp_path: Path
) -> None:
    done = preflight(pushed(tmp_path, kind))
    assert done.returncode == 3
    assert REFUSED.format(kind=kind, threads=threads, children=children) in done.stderr


@pytest.mark.usefixtures("_installed", "loads")
def test_a_pod_without_a_preflight_refuses_them_too(tmp_path: Path) -> None:
    with running(pushed(tmp_path, "thread")) as (process, _):
        assert process.wait(PATIENCE) == 3
        assert process.stderr is not None
        refused = REFUSED.format(kind="thread", threads=3, children=0)
        assert refused in process.stderr.read()
