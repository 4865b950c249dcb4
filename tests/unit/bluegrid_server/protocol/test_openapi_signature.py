"""The OpenAPI document says what the served models take and give, and stays a valid document."""

from __future__ import annotations

import copy

import pytest

from bluegrid_registry.model_types.signature import ModelSignature, TensorSignature
from bluegrid_server.protocol.openapi import openapi
from bluegrid_server.protocol.openapi_signature import with_signature

INFER = "/v2/models/{uid}/infer"
TABLE = ModelSignature.of(
    [
        TensorSignature(name="kind", datatype="BYTES", shape=(-1, 1)),
        TensorSignature(name="load", datatype="FP64", shape=(-1, 2)),
    ],
    [TensorSignature(name="y", datatype="FP64", shape=(-1, 96))],
)


def test_the_signature_is_there_in_words_as_data_and_as_an_example() -> None:
    plain = openapi("any")
    before = copy.deepcopy(plain)
    document = with_signature(plain, TABLE)
    assert plain == before
    info = document["info"]
    assert info["description"].endswith(
        "The models of this version take kind BYTES [n, 1], load FP64 [n, 2] and give y FP64 [n, 96]."
    )
    assert ModelSignature.model_validate(info["x-signature"]) == TABLE
    inputs = [
        {"name": "kind", "shape": [1, 1], "datatype": "BYTES", "data": ["text"]},
        {"name": "load", "shape": [1, 2], "datatype": "FP64", "data": [0.5, 0.5]},
    ]
    body = document["paths"][INFER]["post"]["requestBody"]["content"]["application/json"]
    assert body["example"] == {"inputs": inputs}
    batch = document["paths"]["/v2/models:batchInfer"]["post"]["requestBody"]["content"]["application/json"]
    assert batch["example"]["requests"][0]["inputs"] == inputs


@pytest.mark.parametrize(
    "signature",
    [
        ModelSignature.of([], TABLE.outputs),
        ModelSignature.of([TensorSignature(name="x", datatype="FP32", shape=(-1, 96, 40))]),
    ],
)
def test_inputs_that_are_unknown_or_large_have_no_example_of_their_own(signature: ModelSignature) -> None:
    plain = openapi("any")
    assert with_signature(plain, signature)["paths"] == plain["paths"]
