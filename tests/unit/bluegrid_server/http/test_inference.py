"""The answers of one model, and the errors for wrong requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bluegrid_server.http import responses
from bluegrid_server.protocol.body import JSON_LENGTH
from bluegrid_server.protocol.remarks import NON_FINITE
from tests.support.pods import BASE, ROWS, tensor

if TYPE_CHECKING:
    from tests.support.pods import Client, Trained

INFER = f"{BASE}/models/line-1/infer"
PREDICT = "/modelService/line-loading/predict"
FLAT = [number for row in ROWS for number in row]


def test_an_answer_holds_the_prediction_and_names_version_and_digest(
    served: Client, trained: Trained
) -> None:
    got = served.post(INFER, json={"id": "42", **tensor()})
    assert got.status_code == 200
    body = got.json()
    assert body["parameters"].pop("digest").startswith("sha256:")
    values = body["outputs"][0].pop("data")
    assert values == pytest.approx(trained.predictions["line-1"], rel=1e-12)
    assert body == {
        "model_name": "line-1",
        "model_version": "v1",
        "id": "42",
        "parameters": {},
        "outputs": [{"name": "y", "shape": [2], "datatype": "FP64"}],
    }


@pytest.mark.parametrize(
    "changed",
    [{"data": FLAT}, {"datatype": "FP32"}, {"parameters": {"unit": "MW"}}],
    ids=["flat data", "FP32", "parameters"],
)
def test_what_the_protocol_allows_is_taken(served: Client, trained: Trained, changed: dict[str, Any]) -> None:
    got = served.post(INFER, json=tensor(**changed)).json()
    assert got["outputs"][0]["data"] == pytest.approx(trained.predictions["line-1"])


@pytest.mark.parametrize(
    "datatype", ["UINT8", "UINT16", "UINT32", "INT8", "INT16", "INT32", "FP16", "FP32", "BOOL"]
)
@pytest.mark.served("every framework", "inputs of another datatype that fits into the model's")
def test_a_datatype_that_fits_is_taken(served: Client, datatype: str) -> None:
    data = [True, False, True] if datatype == "BOOL" else [1, 0, 1]
    got = served.post(INFER, json=tensor(shape=[1, 3], datatype=datatype, data=data)).json()
    real = served.post(INFER, json=tensor(shape=[1, 3], data=[1.0, 0.0, 1.0])).json()
    assert got["outputs"] == real["outputs"]


def test_integers_are_taken(served: Client) -> None:
    whole = served.post(INFER, json=tensor(shape=[1, 3], datatype="INT64", data=[1, 2, 3])).json()
    real = served.post(INFER, json=tensor(shape=[1, 3], data=[1.0, 2.0, 3.0])).json()
    assert whole["outputs"] == real["outputs"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "z"}, "inputs: expected 'x', got 'z'"),
        ({"datatype": "BYTES"}, "input 'x': expected datatype FP64 or one that fits into it, got BYTES"),
        ({"datatype": "INT64", "data": [2**70] * 6}, "input 'x': data must hold integers only"),
        ({"datatype": "FP8"}, "input 'x': 'FP8' is not a datatype; known: BOOL, UINT8"),
        ({"datatype": ["FP64"]}, "input 'x': ['FP64'] is not a datatype"),
        ({"datatype": "INT8", "data": [128] * 6}, "input 'x': data must lie between -128 and 127"),
        ({"datatype": "UINT8", "data": [-1] * 6}, "input 'x': data must lie between 0 and 255"),
        ({"datatype": "FP32", "data": [1e39] * 6}, "input 'x': data must lie between -3.4"),
        ({"parameters": {"binary_data_size": 8}}, "input 'x': has both data and binary_data_size"),
        ({"shape": [2, 4]}, "input 'x': expected shape [n, 3] with n >= 1, got [2, 4]"),
        ({"shape": [0, 3], "data": []}, "input 'x': expected shape [n, 3] with n >= 1, got [0, 3]"),
        ({"shape": [2**40, 3]}, "input 'x': shape says [1099511627776, 3], data has shape [2, 3]"),
        ({"shape": 6}, "input 'x': expected shape [n, 3] with n >= 1, got 6"),
        ({"data": FLAT[:5]}, "input 'x': shape says [2, 3], data has shape [5]"),
        ({"data": [[1.0, 2.0, 3.0], [4.0]]}, "input 'x': data is ragged; shape says [2, 3]"),
        ({"data": [*FLAT[:5], "6"]}, "input 'x': data must hold numbers, or null where a value is missing"),
        (
            {"data": [*FLAT[:5], None]},
            "model line-1 takes no missing values: ValueError: Input X contains NaN",
        ),
        ({"datatype": "INT64"}, "input 'x': data must hold integers only"),
    ],
)
def test_a_wrong_input_is_refused_by_name(served: Client, changed: dict[str, Any], message: str) -> None:
    got = served.post(INFER, json=tensor(**changed))
    assert got.status_code == 400
    assert got.json()["error"].startswith(message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "the body is not JSON"),
        (b"[]", "the body must be a JSON object"),
        (b"{}", "inputs: expected a list of tensors: 'x'"),
        (b'{"inputs": []}', "inputs: expected 'x', got none"),
        (b'{"id": 1}', "id: expected a string, got 1"),
        (b'{"outputs": [{"name": "z"}]}', "outputs: expected a list of 'y'"),
    ],
)
def test_a_body_that_is_no_request_is_refused(served: Client, body: bytes, message: str) -> None:
    got = served.post(INFER, content=body)
    assert got.status_code == 400
    assert got.json()["error"].startswith(message)


def test_a_body_over_the_limit_is_refused(served: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses, "MAX_BODY", 100)
    got = served.post(INFER, content=b" " * 101)
    assert got.status_code == 413
    assert got.json() == {"error": "the body is over 100 bytes; split the request"}


def test_an_unknown_model_is_told_with_the_nearest(served: Client) -> None:
    got = served.post(f"{BASE}/models/line-3/infer", json=tensor())
    assert got.status_code == 404
    assert got.json() == {"error": "no model 'line-3' in this version; nearest: line-1, line-2"}


def test_a_version_may_be_named_and_must_be_the_served_one(served: Client) -> None:
    assert served.post(f"{BASE}/models/line-1/versions/v1/infer", json=tensor()).status_code == 200
    got = served.post(f"{BASE}/models/line-1/versions/v2/infer", json=tensor())
    assert got.status_code == 404
    assert got.json() == {"error": "no version 'v2' here; this cluster serves v1"}


@pytest.mark.parametrize("number", ["1e999", "NaN", "Infinity", "-Infinity"])
@pytest.mark.not_served(
    "every framework",
    "`NaN` and `Infinity` in JSON",
    "they are not JSON; send `null` where a value is missing",
)
def test_what_is_no_finite_number_is_no_json(served: Client, number: str) -> None:
    body = json.dumps(tensor(shape=[1, 3], data=[1, 2, 3])).replace("[1, 2, 3]", f"[1, 2, {number}]")
    got = served.post(INFER, content=body.encode())
    assert got.status_code == 400
    error = got.json()["error"]
    assert error.startswith("the body is not JSON: ")
    assert error.endswith("; write null where a value is missing, not NaN or Infinity") is (number != "1e999")


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_a_prediction_that_is_not_finite_is_null_and_counted(served: Client) -> None:
    got = served.post(INFER, json=tensor(shape=[2, 3], data=[1.7e308, 1.7e308, -1.7e308, 0.1, 0.2, 0.3]))
    assert got.status_code == 200
    assert got.headers[NON_FINITE] == "1"
    (output,) = got.json()["outputs"]
    assert output["data"][0] is None
    assert isinstance(output["data"][1], float)
    assert got.json()["parameters"]["non_finite"] == 1


def binary_body(request: dict[str, Any], data: bytes) -> dict[str, Any]:
    text = json.dumps(request).encode()
    return {"content": text + data, "headers": {JSON_LENGTH: str(len(text))}}


def test_binary_tensors_go_there_and_back(served: Client, trained: Trained) -> None:
    rows = np.array(ROWS).tobytes()
    request = tensor(parameters={"binary_data_size": len(rows)})
    del request["inputs"][0]["data"]
    request["outputs"] = [{"name": "y", "parameters": {"binary_data": True}}]
    got = served.post(INFER, **binary_body(request, rows))
    length = int(got.headers[JSON_LENGTH])
    (output,) = json.loads(got.content[:length])["outputs"]
    assert output == {"name": "y", "shape": [2], "datatype": "FP64", "parameters": {"binary_data_size": 16}}
    assert np.frombuffer(got.content[length:]) == pytest.approx(trained.predictions["line-1"])


@pytest.mark.parametrize("length", ["-1", "x", "99999", "", "\u0664"])
def test_a_wrong_length_of_the_json_is_refused(served: Client, length: str) -> None:
    headers = {JSON_LENGTH: length.encode()}
    got = served.post(INFER, content=b"{}", headers=headers)
    assert got.status_code == 400
    assert got.json()["error"].startswith("Inference-Header-Content-Length: ")


def test_a_wanted_output_may_be_named(served: Client) -> None:
    got = served.post(INFER, json={**tensor(), "outputs": [{"name": "y"}]}).json()
    assert [output["name"] for output in got["outputs"]] == ["y"]


def test_people_ask_with_rows_and_get_predictions(served: Client, trained: Trained) -> None:
    got = served.post(PREDICT, json={"model": "line-1", "instances": ROWS}).json()
    assert got.pop("digest").startswith("sha256:")
    assert got.pop("predictions") == pytest.approx(trained.predictions["line-1"])
    assert got == {"model": "line-1", "version": "v1"}


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"instances": ROWS}, 400, "model: expected a UID"),
        ({"model": "line-3", "instances": ROWS}, 404, "no model 'line-3' in this version; nearest: line-1"),
        ({"model": "line-1"}, 400, "instances: expected a list of rows"),
        ({"model": "line-1", "instances": []}, 400, "instances: expected a list of rows"),
        ({"model": "line-1", "instances": [1.0]}, 400, "input 'x': expected shape [n, 3]"),
        ({"model": "line-1", "instances": [[1.0, 2.0, 3.0], [1.0]]}, 400, "input 'x': data is ragged"),
    ],
)
def test_what_people_get_wrong_is_told(served: Client, body: object, status: int, message: str) -> None:
    got = served.post(PREDICT, json=body)
    assert got.status_code == status
    assert got.json()["error"].startswith(message)
