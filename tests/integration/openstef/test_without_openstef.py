"""Pipelines as data where only `bluegrid-openstef[json]` is installed, on the Python of bluegrid."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.process.bluegrid_server.server_process import free_port, wait_until_ready
from tests.support.checkout import CHECKOUT
from tests.support.openstef import run, train
from tests.support.wheels import Wheels

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KINDS = ("gblinear", "xgboost")
"""All forecasters that have a form as data."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    wheels = Wheels.build(folder / "wheels")
    return wheels.install(folder / "env", "bluegrid[serve]", "bluegrid-openstef[json]")


@pytest.fixture(scope="module")
def examples(interpreter: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, Any]]:
    """A folder with pipelines as data, and a request and OpenSTEF's own answer for each, by UID."""
    folder = tmp_path_factory.mktemp("models")
    found = train(interpreter, folder / "trained", 45, *KINDS)
    run(
        interpreter, "-m", "bluegrid_openstef", str(folder / "trained"), str(folder / "data"), folder=CHECKOUT
    )
    return folder / "data", found


def test_neither_openstef_nor_mlflow_is_installed(programs: Path) -> None:
    code = (
        "from importlib.util import find_spec; import bluegrid_openstef, bluegrid_server;"
        "print([name for name in ('openstef_core', 'openstef_models', 'mlflow') if find_spec(name)])"
    )
    assert run(programs / "python", "-c", code, folder=programs) == "[]\n"


def test_pipelines_as_data_are_served_without_openstef(
    programs: Path, examples: tuple[Path, Mapping[str, Any]], tmp_path: Path
) -> None:
    data, expected = examples
    port = free_port()
    command: list[str | Path] = [
        programs / "bluegrid",
        "serve",
        data,
        "--type",
        "openstef/json",
        "--port",
        str(port),
    ]
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment) as server:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}/modelService/data/v2", timeout=60) as client:
                wait_until_ready(client)
                for uid, example in expected.items():
                    answer = client.post(f"/models/{uid}/infer", json=example["request"])
                    assert answer.status_code == 200, answer.text
                    assert_alike(answer.json()["outputs"], example["response"]["outputs"])
        finally:
            server.terminate()


def assert_alike(found: list[Any], expected: list[Any]) -> None:
    """Compare tensors; other versions of NumPy and XGBoost may round differently."""
    assert [each["name"] for each in found] == [each["name"] for each in expected]
    for one, other in zip(found, expected, strict=True):
        assert one["data"] == pytest.approx(other["data"], rel=1e-6)
