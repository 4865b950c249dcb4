"""A framework from another package: installed, found by its entry points, pushed and served."""

from __future__ import annotations

import os
import subprocess
import tomllib
import zipfile
from typing import TYPE_CHECKING

import httpx
import pytest

from bluegrid.image import environment, packages
from bluegrid_registry import FormatError, ModelType
from bluegrid_registry.model_types.model_type import model_types
from tests.process.bluegrid_server.server_process import running, wait_until_ready
from tests.support.checkout import CHECKOUT
from tests.support.pods import BASE, published

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


EXAMPLE = CHECKOUT / "examples" / "own_framework"


def wheel_in(folder: Path) -> Path:
    """Write the example's wheel, as its build backend would."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    points = "".join(
        f"[{group}]\n" + "".join(f"{point} = {value}\n" for point, value in named.items())
        for group, named in project["entry-points"].items()
    )
    name, version = project["name"], project["version"]
    info = f"{name}-{version}.dist-info"
    files = {
        "mine.py": (EXAMPLE / "mine.py").read_text(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": points,
        f"{info}/RECORD": "",
    }
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
    return path


@pytest.fixture
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install the example for this process and its children."""
    site = tmp_path / "site"
    subprocess.run(
        [
            packages.uv(), "pip", "install", "--quiet", "--offline", "--no-deps", "--target", site,
            wheel_in(tmp_path),
        ],
        env=environment.of_programs(),
        check=True,
    )  # fmt: skip
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    model_types.cache_clear()
    yield
    model_types.cache_clear()


@pytest.mark.usefixtures("_installed")
@pytest.mark.served("plug-ins", "a file type and a loader of your own, from push to answer")
def test_a_package_brings_a_framework_from_push_to_answer(tmp_path: Path) -> None:
    kind = ModelType.parse("mine/line")
    models = tmp_path / "trained"
    models.mkdir()
    (models / "line-17.line").write_text("line 41.7 0.5 -2")
    (models / "examples.json").write_text('{"line-17": {"inputs": [[1, 1]], "outputs": [40.2]}}')
    with (
        running(published(tmp_path, models, kind)) as (_, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client,
    ):
        wait_until_ready(client)
        assert client.get("/models/line-17").json()["platform"] == "mine_line"
        tensor = {"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [[1, 1], [2, 0]]}
        (output,) = client.post("/models/line-17/infer", json={"inputs": [tensor]}).json()["outputs"]
        assert output == {"name": "y", "shape": [2], "datatype": "FP64", "data": [40.2, 42.7]}
    with pytest.raises(FormatError, match=r"^is an ONNX model, not a line of coefficients"):
        kind.check(b"\x08\x08:\x00")
