"""The protocol without inference, before and after the models are ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid_server.engine import inference
from tests.support.pods import BASE, tensor

if TYPE_CHECKING:
    from tests.support.pods import Client, InProcess


def test_a_loading_server_is_live_and_not_ready_and_says_why(client: Client, models: InProcess) -> None:
    models.reason = "set g1 version v1: 2 of 3 models loaded"
    assert client.get(f"{BASE}/health/live").json() == {"live": True}
    got = client.get(f"{BASE}/health/ready")
    assert got.status_code == 503
    assert got.json() == {"ready": False, "reason": "set g1 version v1: 2 of 3 models loaded"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/models/line-1/infer"),
        ("POST", "/models:batchInfer"),
        ("GET", "/models/line-1"),
        ("GET", "/models/line-1/ready"),
        ("GET", "/models"),
        ("POST", "/repository/index"),
    ],
)
def test_a_loading_server_asks_to_come_again(client: Client, method: str, path: str) -> None:
    got = client.request(method, BASE + path, json=tensor())
    assert got.status_code == 503
    assert got.headers["Retry-After"] == "1"
    assert got.json() == {"error": "not ready: starting"}


def test_the_index_says_what_is_being_loaded_and_how_far_that_is(client: Client, models: InProcess) -> None:
    models.reason, models.loading = "set g1 version v1: 2 of 3 models loaded", ("line-1", "line-2")
    assert client.post(f"{BASE}/repository/index").json() == [
        {"name": uid, "version": "v1", "state": "LOADING", "reason": models.reason} for uid in models.loading
    ]
    assert client.post(f"{BASE}/repository/index", json={"ready": True}).json() == []


def test_a_server_is_ready_when_its_models_are(served: Client) -> None:
    got = served.get(f"{BASE}/health/ready")
    assert (got.status_code, got.json()) == (200, {"ready": True})


def test_metadata_is_as_the_protocol_has_it(served: Client) -> None:
    assert served.get(BASE).json() == {
        "name": "line-loading-d1",
        "version": "v1",
        "extensions": ["model_repository", "binary_tensor_data"],
    }
    model = {
        "name": "line-1",
        "versions": ["v1"],
        "platform": "scikit-learn_skops",
        "inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 3]}],
        "outputs": [{"name": "y", "datatype": "FP64", "shape": [-1]}],
    }
    got = served.get(f"{BASE}/models/line-1").json()
    assert got.pop("parameters")["digest"].startswith("sha256:")
    assert got == model
    assert served.get(f"{BASE}/models/line-1/versions/v1").json().items() >= model.items()
    assert served.get(f"{BASE}/models/line-1/ready").json() == {"name": "line-1", "ready": True}


def test_models_are_listed(served: Client) -> None:
    assert served.get(f"{BASE}/models").json() == {"models": ["line-1", "line-2", "trafo-1"]}
    assert served.post(f"{BASE}/repository/index").json() == [
        {"name": uid, "version": "v1", "state": "READY", "reason": ""}
        for uid in ("line-1", "line-2", "trafo-1")
    ]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2", 404),
        ("GET", f"{BASE}/health/live/", 404),
        ("GET", f"{BASE}/models/line-1/infer", 405),
        ("GET", f"{BASE}/models/line-9", 404),
        ("POST", f"{BASE}/repository/models/line-1/load", 404),
    ],
)
def test_what_is_not_there_is_told_as_json(served: Client, method: str, path: str, status: int) -> None:
    got = served.request(method, path)
    assert got.status_code == status
    assert got.json().keys() == {"error"}


def test_a_fault_of_ours_is_told_as_json(served: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "answer", None)
    got = served.post(f"{BASE}/models/line-1/infer", json=tensor())
    assert (got.status_code, got.json()) == (500, {"error": "internal error: TypeError"})


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"inputs": ' + b"[" * 2_000 + b"]" * 2_000 + b"}",
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    ],
    ids=["never closed", "nested lists", "nested objects"],
)
def test_json_of_any_depth_is_refused_in_words(served: Client, body: bytes) -> None:
    got = served.post(f"{BASE}/models/line-1/infer", content=body)
    assert got.status_code == 400
    assert got.json().keys() == {"error"}
