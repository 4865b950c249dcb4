"""Batches are answered in steps, between which a worker answers other requests."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest

from bluegrid_server.engine import steps
from bluegrid_server.engine.steps import RequestSteps
from bluegrid_server.models.version import ServedModel
from bluegrid_server.protocol.requests import Kind, Request
from bluegrid_server.protocol.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bluegrid_server.models.model_pool import ModelPool
    from bluegrid_server.protocol.requests import Response
    from bluegrid_server.settings import Settings

SETTINGS = cast("Settings", SimpleNamespace(version="v1"))


class Slow:
    """Takes as many seconds, of a clock of its own, as its input is."""

    inputs = (TensorSpec("x", (-1, 1)),)
    outputs = (TensorSpec("y", (-1,)),)

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        self.now += float(inputs["x"][0, 0])
        return {"y": inputs["x"][:, 0]}


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    """A model by whose clock steps are timed."""
    model = Slow()
    monkeypatch.setattr(steps, "perf_counter", model.clock)
    return model


def pieces(model: Slow, *seconds: float) -> list[Response]:
    """Return the pieces of the answer to a batch of requests that take so long."""
    x = {"name": "x", "shape": [1, 1], "datatype": "FP64"}
    requests = [{"model_name": "m", "inputs": [{**x, "data": [each]}]} for each in seconds]
    pool = cast("ModelPool", {"m": ServedModel("m", "", model)})
    batch = Request(Kind.BATCH, body=orjson.dumps({"requests": requests}))
    return [*RequestSteps(SETTINGS, pool).responses(batch)]


def test_a_step_begins_no_request_after_20_ms(slow: Slow) -> None:
    found = pieces(slow, *[0.001] * 5, 0.1, 0.1, 0.001, 0.001)
    assert [piece.body.count(b"model_name") for piece in found] == [6, 1, 2]


def test_the_answers_of_all_steps_are_one_document(slow: Slow) -> None:
    seconds = [0.1, 0.001, 0.1, 0.001]
    found = pieces(slow, *seconds)
    assert [piece.is_last for piece in found] == [False, False, True]
    answers = orjson.loads(b"".join(piece.body for piece in found))["responses"]
    assert [answer["outputs"][0]["data"] for answer in answers] == [[each] for each in seconds]


def test_an_empty_batch_has_an_empty_answer(slow: Slow) -> None:
    (piece,) = pieces(slow)
    assert (piece.status, piece.body, piece.is_last) == (200, b'{"responses":[]}', True)
