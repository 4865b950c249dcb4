"""A large answer whose worker ends in the middle: no client takes the half for the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

from bluegrid_server.http.responses import STREAMED
from tests.process.bluegrid_server.faulty_models import ABORTS, LOOPS, SOUND, WAITS, FaultyModel
from tests.process.bluegrid_server.faulty_pods import pushed, request_of
from tests.process.bluegrid_server.server_process import free_port, running, wait_until_ready
from tests.support.pods import BASE

if TYPE_CHECKING:
    from pathlib import Path


ROWS = 20_000


def batch_of(*first_numbers: float) -> bytes:
    """Return a batch of requests, each with so many rows that its answer has 80 kB."""
    requests: list[dict[str, Any]] = []
    for number in first_numbers:
        request = request_of(SOUND, "m1")
        request["inputs"][0] |= {"shape": [ROWS, 2], "data": [number, 5.0, *[0.0, 5.0] * (ROWS - 1)]}
        requests.append(request)
    return orjson.dumps({"requests": requests})


def received(answer: httpx.Response) -> tuple[bytes, str]:
    """Return the received part of an answer's body, and the reason for its end."""
    got = b""
    try:
        for piece in answer.iter_bytes():
            got += piece
    except httpx.RemoteProtocolError as error:
        return got, str(error)
    return got, ""


@pytest.mark.parametrize("end", [ABORTS, LOOPS], ids=["aborts", "loops"])
def test_half_an_answer_ends_as_no_whole_one_does(tmp_path: Path, end: float) -> None:
    settings = pushed(tmp_path, {"m1": FaultyModel()}, metrics_port=free_port())
    with (
        running(settings) as (_, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}", timeout=60) as client,
    ):
        wait_until_ready(client)
        whole = client.post("/models:batchInfer", content=batch_of(*[SOUND] * 40))
        assert "content-length" not in whole.headers
        assert len(whole.json()["responses"]) == 40
        # The slow request ends a step, whose answers are sent before the last request begins.
        broken = batch_of(*[SOUND] * 38, WAITS, end)
        with client.stream("POST", "/models:batchInfer", content=broken) as half:
            assert half.status_code == 200
            got, why = received(half)
        assert len(got) > STREAMED
        assert "incomplete chunked read" in why
        # Other requests are not affected.
        assert client.post("/models:batchInfer", content=batch_of(SOUND)).status_code == 200
        counted = httpx.get(f"http://127.0.0.1:{settings.metrics_port}/metrics").text
    assert 'failure_total{model_set="g1",set_version="v1",status="500"} 1.0' in counted
    assert 'success_total{model_set="g1",set_version="v1"} 2.0' in counted


def test_an_answer_that_breaks_before_it_has_begun_is_an_error_like_any_other(tmp_path: Path) -> None:
    with (
        running(pushed(tmp_path, {"m1": FaultyModel()})) as (_, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}", timeout=60) as client,
    ):
        wait_until_ready(client)
        got = client.post("/models:batchInfer", content=batch_of(SOUND, ABORTS))
    assert got.status_code == 500
    assert got.json() == {"error": "a model of the request ended its process by SIGABRT"}
