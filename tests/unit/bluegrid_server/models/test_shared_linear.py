"""Linear models in shared memory: they are read as written, and every process gives the same answers."""

from __future__ import annotations

import os
import tracemalloc
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluegrid_server.engine.inference import InferenceEngine
from bluegrid_server.engine.steps import RequestSteps
from bluegrid_server.errors import LoadError
from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.front.dispatcher import MAX_INLINE
from bluegrid_server.models.shared_linear import SharedLinearPool, read_linear, write_linear
from bluegrid_server.models.version import ServedModel
from bluegrid_server.protocol.requests import Kind, Request, Response
from tests.unit.bluegrid_server.frameworks.test_linear import ODD, request

if TYPE_CHECKING:
    from bluegrid_server.settings import Settings

RANDOM = np.random.default_rng(5)


def served(uid: str, features: int) -> ServedModel:
    # Models of two sizes have no names, so that the table has models with and without names.
    names = tuple(f"列 {number}" for number in range(features)) if features > 2 else ()
    model = LinearModel(RANDOM.normal(size=(3, features)), RANDOM.normal(), names)
    return ServedModel(uid, f"sha256:{RANDOM.bytes(32).hex()}", model)


def table_of(models: list[ServedModel]) -> dict[str, ServedModel]:
    fd = write_linear(models)
    try:
        return read_linear(fd)
    finally:
        os.close(fd)


MODELS = [served(f"line-{number}", 4) for number in range(3)]
TABLE = table_of(MODELS)
SETTINGS = cast("Settings", SimpleNamespace(version="v1", type="scikit-learn/skops", accelerate=None))


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 9), min_size=1, max_size=9))
def test_a_table_gives_back_the_models_to_the_bit(features: dict[str, int]) -> None:
    models = [served(uid, size) for uid, size in features.items()]
    table = table_of(models)
    assert list(table) == list(features)
    for model in models:
        got = table[model.uid]
        assert (got.uid, got.digest) == (model.uid, model.digest)
        assert isinstance(got.model, LinearModel)
        assert isinstance(model.model, LinearModel)
        assert got.model.table.tolist() == model.model.table.tolist()
        assert got.model.intercept == model.model.intercept
        assert got.model.inputs == model.model.inputs
    assert "no model" not in table


def test_a_table_has_the_linear_models_only() -> None:
    other = ServedModel("other", MODELS[0].digest, cast("Any", SimpleNamespace()))
    assert list(table_of([*MODELS, other])) == [model.uid for model in MODELS]


def worker_says(request: Request) -> Response:
    (response,) = RequestSteps(SETTINGS, SharedLinearPool(TABLE)).responses(request)
    return response


def front_says(request: Request) -> Response:
    return InferenceEngine(TABLE, "v1").infer(request)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=4))
def test_the_front_answers_as_a_worker_to_the_bit(row: list[float]) -> None:
    asked = Request(Kind.INFER, "line-1", orjson.dumps(request(row)))
    assert front_says(asked) == worker_says(asked)


def test_a_worker_lists_the_columns_of_a_model() -> None:
    described = orjson.loads(worker_says(Request(Kind.DESCRIBE, "line-1")).body)
    assert described["inputs"][0]["parameters"] == {"columns": ["列 0", "列 1", "列 2", "列 3"]}


@pytest.mark.parametrize(
    "asked",
    [
        *(Request(Kind.INFER, "line-1", orjson.dumps(odd)) for odd in ODD),
        Request(Kind.INFER, "line-9", orjson.dumps(request([1.5] * 4))),
        Request(Kind.INFER, "line-1", b"[" * 1000),
        Request(Kind.INFER, "line-1", orjson.dumps(request([1.5] * 4)), json_length="0"),
        Request(Kind.INFER, "line-1", orjson.dumps(request([1.5] * 4)), json_length="x"),
    ],
)
def test_the_front_says_of_an_odd_request_what_a_worker_says(asked: Request) -> None:
    assert front_says(asked) == worker_says(asked)


def test_an_odd_request_takes_the_front_no_more_memory_than_it_says() -> None:
    strings = ["x" * (MAX_INLINE // 2), *["x"] * (MAX_INLINE // 8)]
    asked = Request(Kind.INFER, "line-1", orjson.dumps(request(strings))[:MAX_INLINE])
    whole = Request(Kind.INFER, "line-1", orjson.dumps(request(strings)))
    tracemalloc.start()
    try:
        assert (front_says(asked).status, front_says(whole).status) == (400, 400)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 * 2**20


def test_a_pool_of_linear_models_keeps_those_from_answering_that_are_unloaded() -> None:
    pool = SharedLinearPool(TABLE)
    assert (len(pool), pool.loaded) == (3, 3)
    pool.unload("line-1")
    assert pool.loaded == 2
    assert pool.state("line-1") == ("UNAVAILABLE", "unloaded")
    with pytest.raises(LoadError, match="model line-1 was unloaded; load it at the admin port"):
        pool["line-1"]
    with pytest.raises(KeyError):
        pool["line-9"]
    pool.load("line-1")
    assert pool.state("line-1") == ("READY", "")
    assert pool["line-1"].digest == MODELS[1].digest
