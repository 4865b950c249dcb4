"""A framework from another package: installed, found by its entry points, pushed and served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from bluegrid_registry import FormatError, ModelType
from tests.process.bluegrid_server.frameworks.plugins import installed
from tests.process.bluegrid_server.server_process import running, wait_until_ready
from tests.support.pods import BASE, published

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def _installed(tmp_path: Path) -> Iterator[None]:
    with installed("own_framework", tmp_path):
        yield


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
