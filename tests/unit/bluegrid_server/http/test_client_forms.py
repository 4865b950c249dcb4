"""Other forms of requests: compressed, with null fields, with far too long strings."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from typing import TYPE_CHECKING

import pytest

from bluegrid_server.http import responses
from tests.support.pods import BASE, ROWS, tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.pods import Client

INFER = f"{BASE}/models/line-1/infer"
ONE_ROW = tensor(shape=[1, 3], data=ROWS[:1])


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("GZIP", lambda body: gzip.compress(body[:40]) + gzip.compress(body[40:])),
        ("deflate", zlib.compress),
        ("identity", bytes),
    ],
)
def test_a_compressed_body_is_answered_like_a_plain_one(
    served: Client, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    body = json.dumps(tensor()).encode()
    got = served.post(INFER, content=compress(body), headers={"Content-Encoding": encoding})
    assert (got.status_code, got.json()) == (200, served.post(INFER, content=body).json())


def test_binary_data_may_be_compressed_with_its_json(served: Client) -> None:
    binary = {"name": "x", "shape": [1, 3], "datatype": "FP64", "parameters": {"binary_data_size": 24}}
    head = json.dumps({"inputs": [binary]}).encode()
    content = gzip.compress(head + struct.pack("<3d", *ROWS[0]))
    headers = {"Content-Encoding": "gzip", "Inference-Header-Content-Length": str(len(head))}
    got = served.post(INFER, content=content, headers=headers)
    assert got.json()["outputs"] == served.post(INFER, json=ONE_ROW).json()["outputs"]


@pytest.mark.not_served(
    "every framework",
    "bodies compressed by other codings than gzip and deflate",
    "415 names those that are known",
)
def test_an_encoding_that_is_not_known_is_refused_with_those_that_are(served: Client) -> None:
    got = served.post(INFER, content=b"x", headers={"Content-Encoding": "br"})
    assert (got.status_code, got.headers["Accept-Encoding"]) == (415, "gzip, deflate")
    assert got.json()["error"].startswith("Content-Encoding: 'br' is not known here")


@pytest.mark.parametrize("cut", [slice(-4), slice(4, None), slice(0, 12)])
def test_a_body_that_is_not_compressed_as_it_says_is_refused(served: Client, cut: slice) -> None:
    content = gzip.compress(json.dumps(tensor()).encode())[cut]
    got = served.post(INFER, content=content, headers={"Content-Encoding": "gzip"})
    assert got.status_code == 400
    assert got.json()["error"].startswith("the body is not gzip: ")


def test_a_compressed_body_is_bounded_by_what_it_blows_up_to(
    served: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses, "MAX_BODY", 10_000)
    content = gzip.compress(b" " * 10_001)
    assert len(content) < 100
    got = served.post(INFER, content=content, headers={"Content-Encoding": "gzip"})
    assert got.status_code == 413


def test_a_body_of_very_many_compressed_members_is_refused(served: Client) -> None:
    body = json.dumps(tensor()).encode()
    for members, status in ((99, 200), (100, 400)):
        content = gzip.compress(body) + gzip.compress(b"") * members
        got = served.post(INFER, content=content, headers={"Content-Encoding": "gzip"})
        assert got.status_code == status
    assert got.json()["error"] == "the body has over 100 gzip members; send it as one"


@pytest.mark.served("every framework", "optional fields that are `null`")
def test_a_field_that_is_null_is_an_absent_one(served: Client) -> None:
    (row,) = ONE_ROW["inputs"]
    right = served.post(INFER, json={"inputs": [row]}).json()
    for fields in (
        {"id": None},
        {"parameters": None},
        {"outputs": None},
        {"outputs": [{"name": "y", "parameters": None}]},
        {"inputs": [{**row, "parameters": None}]},
        {"id": None, "parameters": None, "outputs": None, "unknown": None},
    ):
        request = {"inputs": [row], **fields}
        assert served.post(INFER, json=request).json() == right
        batch = {"requests": [{"model_name": "line-1", **request}]}
        (answered,) = served.post(f"{BASE}/models:batchInfer", json=batch).json()["responses"]
        assert (answered.get("error"), answered["outputs"]) == (None, right["outputs"])


def test_missing_values_in_binary_data_are_refused_in_the_frameworks_words(served: Client) -> None:
    binary = {"name": "x", "shape": [1, 3], "datatype": "FP64", "parameters": {"binary_data_size": 24}}
    head = json.dumps({"inputs": [binary]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    got = served.post(INFER, content=head + struct.pack("<3d", 0.5, float("nan"), 1.0), headers=headers)
    assert got.status_code == 400
    assert got.json()["error"].startswith(
        "model line-1 takes no missing values: ValueError: Input X contains NaN."
    )


def test_data_that_is_null_may_stand_beside_binary_data(served: Client) -> None:
    binary = {"name": "x", "shape": [1, 3], "datatype": "FP64", "parameters": {"binary_data_size": 24}}
    head = json.dumps({"inputs": [{**binary, "data": None}]}).encode()
    content, headers = (
        head + struct.pack("<3d", *ROWS[0]),
        {"Inference-Header-Content-Length": str(len(head))},
    )
    assert served.post(INFER, content=content, headers=headers).status_code == 200


def test_a_message_quotes_no_more_of_a_request_than_one_can_read(served: Client) -> None:
    long = "x" * 300_000
    for got in (
        served.post("/modelService/line-loading/predict", json={"model": long, "instances": ROWS}),
        served.post(INFER, json={"id": [long], **tensor()}),
        served.post(INFER, json={"inputs": [{"name": long}]}),
    ):
        assert got.status_code in (400, 404)
        assert len(got.content) < 10_000
    batch = {"requests": [{"model_name": "line-1", "id": [long], **tensor()}]}
    assert len(served.post(f"{BASE}/models:batchInfer", json=batch).content) < 10_000
