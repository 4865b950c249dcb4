"""Pods of forests are ready without scikit-learn; then workers that share it take over."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np
import orjson
import psutil
import pytest

from bluegrid_server.protocol.requests import Kind, Request
from tests.process.bluegrid_server.dispatchers import running, until
from tests.process.bluegrid_server.server_process import PATIENCE, wait_until_ready
from tests.process.bluegrid_server.server_process import running as process_running
from tests.support import compiled_models
from tests.support.compiled_models import MODELS
from tests.support.pods import BASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid_server.front.dispatcher import Dispatcher
    from bluegrid_server.settings import Settings

GAP = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [None, 1.0, 2.0]}]}
EXPECTED = MODELS["forest-1"].predict([[np.nan, 1.0, 2.0]]).tolist()
WORKERS = 2


@pytest.fixture
def forests(pushed: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(compiled_models, "MODELS", {"forest-1": MODELS["forest-1"]})
    return pushed(accelerate=None, workers=WORKERS)


def names(dispatcher: Dispatcher) -> set[str]:
    return {connection.name for connection in dispatcher.supervisor.up()}


async def gap(dispatcher: Dispatcher) -> list[float]:
    request = Request(Kind.INFER, "forest-1", orjson.dumps(GAP))
    (output,) = orjson.loads((await dispatcher.ask(request)).first.body)["outputs"]
    data: list[float] = output["data"]
    return data


def test_every_request_is_answered_while_workers_that_share_scikit_learn_take_over(forests: Settings) -> None:
    async def test() -> None:
        async with running(forests) as dispatcher:
            assert dispatcher.reason is None
            first, answers = names(dispatcher), 0
            while names(dispatcher) & first:
                assert await asyncio.gather(*(gap(dispatcher) for _ in range(8))) == [EXPECTED] * 8
                answers += 1
            await until(lambda: len(names(dispatcher)) == WORKERS)
            assert answers
            assert await gap(dispatcher) == EXPECTED

    asyncio.run(test())


def test_an_unloaded_model_stays_so_in_the_workers_that_take_over(forests: Settings) -> None:
    async def test() -> None:
        async with running(forests) as dispatcher:
            first = names(dispatcher)
            assert (await dispatcher.unload("forest-1")).status == 200
            await until(lambda: not names(dispatcher) & first)
            assert (
                await dispatcher.ask(Request(Kind.INFER, "forest-1", orjson.dumps(GAP)))
            ).first.status == 503

    asyncio.run(test())


def test_a_worker_that_crashes_before_its_successor_is_up_costs_no_other_request(forests: Settings) -> None:
    async def test() -> None:
        async with running(forests) as dispatcher:
            first = names(dispatcher)
            await until(lambda: dispatcher.supervisor._outgoing or not names(dispatcher) & first)
            for worker in leaves(dispatcher.supervisor._fork_server.pid):
                worker.kill()
            await until(lambda: len(names(dispatcher)) == WORKERS and not names(dispatcher) & first)
            assert await gap(dispatcher) == EXPECTED

    asyncio.run(test())


def test_all_workers_of_a_pod_have_scikit_learn_soon_after_it_is_ready(forests: Settings) -> None:
    with (
        process_running(forests) as (server, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}", timeout=60) as client,
    ):
        wait_until_ready(client)
        answer = client.post("/models/forest-1/infer", json=GAP)
        assert answer.json()["outputs"][0]["data"] == EXPECTED
        deadline = time.monotonic() + PATIENCE
        while len(workers := leaves(server.pid)) != WORKERS or not all(map(has_scikit_learn, workers)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert client.post("/models/forest-1/infer", json=GAP).json()["outputs"] == answer.json()["outputs"]


def leaves(pid: int) -> list[psutil.Process]:
    try:
        return [each for each in psutil.Process(pid).children(recursive=True) if not each.children()]
    except psutil.NoSuchProcess:  # one has ended in the meantime
        return []


def has_scikit_learn(process: psutil.Process) -> bool:
    try:
        return "/sklearn/" in Path(f"/proc/{process.pid}/maps").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
