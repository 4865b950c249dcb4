"""The example of a plug-in with time series: installed, pushed with recorded examples, and served."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bluegrid_registry import ModelType, open_store
from bluegrid_registry.stores.versions import read_manifest
from tests.process.bluegrid_server.frameworks.plugins import installed
from tests.process.bluegrid_server.server_process import free_port, running, wait_until_ready
from tests.support.pods import BASE, environment_of, published

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bluegrid_server.settings import Settings

HOUR = 3600
DAY = 24 * HOUR
START = 1_800_000_000 // DAY * DAY
NUMPY = {"INT64": np.int64, "FP64": np.float64}
FACTORS = {"P10": 0.5, "P50": 1.0, "P90": 2.0}


def tensor(name: str, data: Sequence[Any], datatype: str = "FP64") -> dict[str, Any]:
    return {"name": name, "shape": [len(data)], "datatype": datatype, "data": [*data]}


def request_of(history: Sequence[float | None], horizon: int = 3) -> dict[str, Any]:
    """Return a request with hourly loads up to the forecast's start, and none in the hours from then on."""
    moments = [START + hour * HOUR for hour in range(-len(history), horizon)]
    return {
        "inputs": [
            tensor("time", moments, "INT64"),
            tensor("load", [*history, *[None] * horizon]),
            tensor("forecast_start", [START], "INT64"),
        ]
    }


A_DAY = request_of([7.0, None, 9.0, *[1.0] * 21])
"""A day of loads, of which the second is missing."""
AN_HOUR = request_of([4.0])
"""Too little for the model."""


def outputs_of(response: dict[str, Any]) -> dict[str, Any]:
    return {output["name"]: output["data"] for output in response["outputs"]}


FORECAST: dict[str, list[Any]] = {
    "time": [START, START + HOUR, START + 2 * HOUR],
    "quantile_P10": [3.5, None, 4.5],
    "quantile_P50": [7.0, None, 9.0],
    "quantile_P90": [14.0, None, 18.0],
}


@pytest.fixture(scope="module")
def _installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with installed("time_series", tmp_path_factory.mktemp("plug-in")):
        yield


def pushed(work: Path, examples: Any = None) -> Settings:
    """Push three models, the last of which finds no load of one period before; and examples of the first."""
    models = work / "trained"
    (models / "feeder").mkdir(parents=True)
    for uid, period in (("feeder/7", DAY), ("feeder/8", DAY), ("feeder/9", 1000 * DAY)):
        (models / f"{uid}.naive").write_text(json.dumps({"period": period, "factors": FACTORS}))
    if examples is not None:
        (models / "examples.json").write_text(json.dumps({"feeder/7": examples}))
    return published(work, models, ModelType.parse("seasonal/naive"))


@pytest.fixture(scope="module")
def metrics_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def client(
    _installed: None, metrics_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A client of a pod of these models."""
    settings = pushed(tmp_path_factory.mktemp("series"))
    with (
        running(settings.model_copy(update={"metrics_port": metrics_port})) as (_, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}", timeout=60) as client,
    ):
        wait_until_ready(client)
        yield client


def counted(port: int) -> dict[str, float]:
    """Return how many answers of fallback models the pod has counted, by name."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    return {
        sample.labels["fallback"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "model_infer_fallbacks_total"
    }


def infer(client: httpx.Client, request: dict[str, Any], uid: str = "feeder%2F7") -> httpx.Response:
    response = client.post(f"/models/{uid}/infer", json=request)
    assert response.status_code == 200, response.text
    return response


@pytest.mark.served("plug-ins", "time series of different lengths, and quantiles (example)")
def test_a_forecast_has_the_series_of_the_horizon(client: httpx.Client) -> None:
    answer = infer(client, A_DAY)
    assert outputs_of(answer.json()) == FORECAST
    assert answer.json()["parameters"].keys() == {"digest", "non_finite"}
    assert "Bluegrid-Fallback" not in answer.headers


@pytest.mark.served("plug-ins", "missing values in and out: `null` in JSON, NaN in binary tensors (example)")
def test_missing_values_are_null_in_json_and_nan_in_binary_tensors(client: httpx.Client) -> None:
    arrays = [np.array(each["data"], NUMPY[each["datatype"]]) for each in A_DAY["inputs"]]
    inputs = [
        {**each, "data": None, "parameters": {"binary_data_size": array.nbytes}}
        for each, array in zip(A_DAY["inputs"], arrays, strict=True)
    ]
    text = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    body = b"".join((text, *(array.tobytes() for array in arrays)))
    headers = {"Inference-Header-Content-Length": str(len(text))}
    answer = client.post("/models/feeder%2F7/infer", content=body, headers=headers)
    assert answer.headers["Bluegrid-Non-Finite"] == "3"
    length = int(answer.headers["Inference-Header-Content-Length"])
    document = json.loads(answer.content[:length])
    assert document["parameters"]["non_finite"] == 3
    found = np.frombuffer(answer.content[length:], np.int64).reshape(4, 3)
    for (name, expected), output, row in zip(FORECAST.items(), document["outputs"], found, strict=True):
        array = row.view(NUMPY[output["datatype"]])
        np.testing.assert_array_equal(array, np.array(expected, array.dtype), name)


@pytest.mark.usefixtures("_installed")
def test_a_set_can_refuse_a_forecast_with_gaps(tmp_path: Path) -> None:
    settings = pushed(tmp_path).model_copy(update={"non_finite": "refuse"})
    with (
        running(settings) as (_, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}", timeout=60) as client,
    ):
        wait_until_ready(client)
        refused = client.post("/models/feeder%2F7/infer", json=A_DAY)
        assert refused.status_code == 500
        fault = "model feeder/7 returned a non-finite value for output 'quantile_P10', which its set refuses"
        assert fault in refused.json()["error"]
        assert infer(client, AN_HOUR).json()["parameters"]["fallback"] == "flatliner"


@pytest.mark.parametrize(
    ("inputs", "fault"),
    [
        (
            [tensor("time", [None], "INT64"), *A_DAY["inputs"][1:]],
            "input 'time': data must hold integers only",
        ),
        (
            [*A_DAY["inputs"][:1], tensor("load", [1.0]), A_DAY["inputs"][2]],
            "'time' and 'load' differ in length: 27 and 1",
        ),
        (request_of([None])["inputs"], "expected a known load before forecast_start"),
    ],
    ids=["a missing moment", "series of two lengths", "nothing known"],
)
def test_a_request_that_the_model_cannot_answer_is_the_clients_mistake(
    client: httpx.Client, inputs: list[dict[str, Any]], fault: str
) -> None:
    refused = client.post("/models/feeder%2F7/infer", json={"inputs": inputs})
    assert refused.status_code == 400
    assert fault in refused.json()["error"]


def test_an_answer_of_the_fallback_model_reaches_clients_and_metrics_with_its_name(
    client: httpx.Client, metrics_port: int
) -> None:
    before = counted(metrics_port)
    assert before.keys() == {"flatliner"}
    answer = infer(client, AN_HOUR)
    assert answer.json()["parameters"]["fallback"] == "flatliner"
    assert answer.headers["Bluegrid-Fallback"] == "flatliner=1"
    assert outputs_of(answer.json())["quantile_P50"] == [4.0, 4.0, 4.0]
    binary = infer(client, {**AN_HOUR, "parameters": {"binary_data_output": True}})
    length = int(binary.headers["Inference-Header-Content-Length"])
    assert json.loads(binary.content[:length])["parameters"]["fallback"] == "flatliner"
    assert np.frombuffer(binary.content[-24:]).tolist() == [8.0, 8.0, 8.0]
    requests = [
        {"model_name": uid, **request} for uid in ("feeder/7", "feeder/8") for request in (AN_HOUR, A_DAY)
    ]
    batch = client.post("/models:batchInfer", json={"requests": requests})
    named = [each["parameters"].get("fallback") for each in batch.json()["responses"]]
    assert named == ["flatliner", None, "flatliner", None]
    assert batch.headers["Bluegrid-Fallback"] == "flatliner=2"
    assert counted(metrics_port) == {"flatliner": before["flatliner"] + 4}


def test_metrics_count_all_of_a_large_batch_and_its_header_the_beginning(
    client: httpx.Client, metrics_port: int
) -> None:
    before = counted(metrics_port)["flatliner"]
    requests = [{"model_name": "feeder/9", **request_of([4.0], horizon=192)}] * 1000
    batch = client.post("/models:batchInfer", json={"requests": requests})
    assert len(batch.content) > 2 * 2**20
    assert {each["parameters"]["fallback"] for each in batch.json()["responses"]} == {"flatliner"}
    name, _, count = batch.headers["Bluegrid-Fallback"].partition("=")
    assert name == "flatliner"
    assert 0 < int(count) < 1000
    assert counted(metrics_port)["flatliner"] == before + 1000


def preflight(settings: Settings) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bluegrid_server", "preflight"],
        env={**os.environ, **environment_of(settings)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.served(
    "plug-ins", "recorded examples of several series, with missing values and quantiles (example)"
)
def test_answers_of_a_server_are_recorded_examples_and_the_preflight_proves_every_value(
    client: httpx.Client, tmp_path: Path
) -> None:
    examples = [{"request": each, "response": infer(client, each).json()} for each in (A_DAY, AN_HOUR)]
    settings = pushed(tmp_path, examples)
    done = preflight(settings)
    assert done.returncode == 0, done.stderr
    assert "2 recorded examples reproduced" in done.stdout
    signature = read_manifest(open_store(settings.store), "g1", "v1", settings.manifest).signature
    assert signature is not None
    tensors = [str(tensor) for tensor in (*signature.inputs, *signature.outputs)]
    assert tensors == [
        "forecast_start INT64 [n]",
        "load FP64 [n]",
        "time INT64 [n]",
        "quantile_P10 FP64 [n]",
        "quantile_P50 FP64 [n]",
        "quantile_P90 FP64 [n]",
        "time INT64 [n]",
    ]


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize(
    ("output", "place", "value", "fault"),
    [
        ("quantile_P90", 2, 19.0, "row 2: expected 19.0, got 18.0"),
        ("quantile_P50", 1, 8.0, "row 1: expected 8.0, got nan"),
        ("quantile_P10", 0, None, "row 0: expected a number that is not finite, got 3.5"),
        ("time", 1, START, f"row 1: expected {START}, got {START + HOUR}"),
    ],
    ids=["a quantile", "a number for a gap", "a gap for a number", "a moment"],
)
def test_one_value_that_differs_fails_the_preflight(
    output: str, place: int, value: float | None, fault: str, tmp_path: Path
) -> None:
    forecast = {name: [*data] for name, data in FORECAST.items()}
    forecast[output][place] = value
    outputs = [tensor(name, data, "INT64" if name == "time" else "FP64") for name, data in forecast.items()]
    done = preflight(pushed(tmp_path, {"request": A_DAY, "response": {"outputs": outputs}}))
    assert done.returncode == 3
    expected = f"model feeder/7 does not reproduce its recorded example: output {output!r}, {fault}"
    assert expected in done.stderr
