"""`bluegrid compare` without requests: both clusters answer the recorded examples of the first's version."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid_registry import ModelSet, RecordedExample
from tests.support.api_server import ApiServer
from tests.support.command import BLUEGRID
from tests.support.kubernetes_objects import objects
from tests.support.skops_files import skops_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGISTRY = """\
set: {id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}
versions: []  # by push
"""
SERVICE = """\
service:
  name: service0
  live: d1
  clusters:
    - {id: d1, version: v1, replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}
    - {id: d2, version: v2, replicas: 2, cpu: 2, gpu: 0, memory: 2Gi}
"""
EXAMPLE = RecordedExample.model_validate(
    {
        "request": {"inputs": [{"name": "x", "shape": [2, 1], "datatype": "FP64", "data": [1.0, 2.0]}]},
        "response": {"outputs": [{"name": "label", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]}]},
    }
)


def answer(pod: str) -> tuple[int, str]:
    """Return the answer of a pod; the second cluster has another number and another label."""
    first = "-d1-" in pod
    outputs: list[dict[str, Any]] = [
        {"name": "y", "shape": [2], "data": [1.0, 2.0 if first else 2.25]},
        {"name": "label", "shape": [2], "data": ["a", "b" if first else "c"]},
    ]
    return 200, json.dumps({"responses": [{"model_name": "a/b", "outputs": outputs}]})


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer(objects(1), answer) as api:
        yield api


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A registry and a store with v1, which has recorded examples, and v2, which has none."""
    for name in ("registry", "store"):
        (tmp_path / name).mkdir()
    file = tmp_path / "registry" / "g1.yaml"
    file.write_text(REGISTRY)
    models = ModelSet.open("g1", tmp_path / "registry", (tmp_path / "store").as_uri())
    models.push("v1", {"a/b": skops_file("one")}, examples={"a/b": [EXAMPLE, EXAMPLE]})
    models.push("v2", {"a/b": skops_file("two")})
    file.write_text(file.read_text() + SERVICE)
    return tmp_path


def compared(api: ApiServer, place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BLUEGRID")}
    return subprocess.run(
        [BLUEGRID, "compare", "service0", *arguments, "--context", "there", "--registry", place / "registry"],
        env=environment | {"KUBECONFIG": str(api.kubeconfig(place))},
        capture_output=True,
        text=True,
        check=False,
    )


def test_clusters_answer_the_recorded_examples(api: ApiServer, place: Path) -> None:
    store = ("--store", (place / "store").as_uri())
    done = compared(api, place, "d1", "d2", *store)
    head, y, label, *_ = done.stdout.splitlines()
    assert done.returncode == 1, done.stderr
    assert head.startswith(
        "service0 d1 d2: 0 of 2 requests agree within 1e-09 + 1e-06 of the answer; largest"
    )
    assert (y.strip(), label.strip()) == ("y: largest difference 0.25", "label: 2 labels differ")
    found = json.loads(compared(api, place, "d1", "d2", *store, "--json").stdout)
    assert found["outputs"] == {
        "y": {"moved": 0.25, "differing": 0},
        "label": {"moved": None, "differing": 2},
    }
    assert (found["requests"], found["largest"]) == (2, 0.25)


def test_without_recorded_examples_requests_have_to_be_given(api: ApiServer, place: Path) -> None:
    done = compared(api, place, "d2", "d1", "--store", (place / "store").as_uri())
    assert "set g1 version v2: has no recorded examples; give requests: --requests" in done.stderr
    done = compared(api, place, "d1", "d2")
    assert "set g1 version v1: no store is named; name it with --stack or --store" in done.stderr
    assert [done.returncode, api.calls] == [1, []]
