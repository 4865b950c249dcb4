"""Linear models as shared memory: what comes out is what went in, and whoever has it answers alike."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluegrid_server.engine.engine import InferenceEngine
from bluegrid_server.engine.inline import infer_inline
from bluegrid_server.errors import LoadError
from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.models.linear_pool import LinearPool
from bluegrid_server.models.linear_table import LinearTable
from bluegrid_server.models.version import ServedModel
from bluegrid_server.protocol.messages import Kind, Request
from tests.unit.bluegrid_server.frameworks.test_linear import ODD, request

if TYPE_CHECKING:
    from bluegrid_server.settings import Settings

RANDOM = np.random.default_rng(5)


def served(uid: str, features: int) -> ServedModel:
    # Of two sizes none has names, so that models with and without are in one table.
    names = tuple(f"列 {number}" for number in range(features)) if features > 2 else ()
    model = LinearModel(RANDOM.normal(size=(3, features)), RANDOM.normal(), names)
    return ServedModel(uid, f"sha256:{RANDOM.bytes(32).hex()}", model)


def table_of(models: list[ServedModel]) -> LinearTable:
    fd = LinearTable.make(models)
    try:
        return LinearTable(fd)
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


def worker_says(call: Request) -> Any:
    (part,) = InferenceEngine(SETTINGS, LinearPool(TABLE)).parts(call)
    return part


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=4))
def test_an_answer_at_once_is_a_workers_to_the_bit(row: list[float]) -> None:
    call = Request(Kind.INFER, "line-1", orjson.dumps(request(row)))
    part = infer_inline(TABLE, "v1", call)
    said = worker_says(call)
    assert part == said if said.status == 200 else part is None


def test_a_worker_lists_the_columns_of_a_model() -> None:
    described = orjson.loads(worker_says(Request(Kind.DESCRIBE, "line-1")).body)
    assert described["inputs"][0]["parameters"] == {"columns": ["列 0", "列 1", "列 2", "列 3"]}


@pytest.mark.parametrize("number", range(len(ODD)))
def test_what_is_odd_about_a_request_a_worker_says(number: int) -> None:
    call = Request(Kind.INFER, "line-1", orjson.dumps(ODD[number]))
    part = infer_inline(TABLE, "v1", call)
    assert part is None or part == worker_says(call)


@pytest.mark.parametrize(
    "call",
    [
        Request(Kind.INFER, "line-9", orjson.dumps(request([1.5] * 4))),
        Request(Kind.INFER, "line-1", b"[" * 1000),
        Request(Kind.INFER, "line-1", orjson.dumps(request([1.5] * 4)), json_length="0"),
        Request(Kind.INFER, "line-1", orjson.dumps(request([1.5] * 4)) + b" " * 2**16),
        Request(Kind.DESCRIBE, "line-1"),
    ],
    ids=["unknown", "no JSON", "binary", "large", "no inference"],
)
def test_other_calls_are_left_to_a_worker(call: Request) -> None:
    assert infer_inline(TABLE, "v1", call) is None


def test_a_pool_of_linear_models_keeps_those_from_answering_that_are_unloaded() -> None:
    pool = LinearPool(TABLE)
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
