"""The distribution of a pod's GPUs to its workers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson

from bluegrid_server.protocol.requests import Kind, Request
from tests.process.bluegrid_server.dispatchers import running
from tests.process.bluegrid_server.faulty_models import TELLS_ITS_GPU, FaultyModel
from tests.process.bluegrid_server.faulty_pods import pushed, request_of

if TYPE_CHECKING:
    from pathlib import Path


def test_workers_share_the_gpus_out(tmp_path: Path) -> None:
    async def test() -> None:
        settings = pushed(tmp_path, {"m1": FaultyModel()}, workers=3, gpu=2)
        async with running(settings) as dispatcher:
            call = Request(Kind.INFER, "m1", orjson.dumps(request_of(TELLS_ITS_GPU, "m1")))
            answers = [orjson.loads(part.body) for part in await dispatcher.ask_all(call)]
            assert [answer["outputs"][0]["data"] for answer in answers] == [[0.0], [1.0], [0.0]]

    asyncio.run(test())
