"""Workers that answer with compiled models."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson
import pytest

from bluegrid_server.protocol.requests import Kind, Request
from tests.process.bluegrid_server.dispatchers import running
from tests.support.compiled_models import HOW, MODELS, X

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid_server.settings import Settings

REQUEST = {"inputs": [{"name": "x", "shape": [80, 3], "datatype": "FP64", "data": X.ravel().tolist()}]}


def test_forked_workers_answer_with_compiled_models_and_describe_them(
    pushed: Callable[..., Settings],
) -> None:
    example = {"inputs": X[:2].tolist(), "outputs": MODELS["forest-1"].predict(X[:2]).tolist()}
    settings = pushed({"forest-1": {**example, "rtol": 0.0, "atol": 0.0}}, workers=2)

    async def asked() -> None:
        async with running(settings) as dispatcher:
            assert dispatcher.reason is None
            calls = [Request(Kind.INFER, uid, orjson.dumps(REQUEST)) for uid in MODELS for _ in range(4)]
            replies = await asyncio.gather(*map(dispatcher.ask, calls))
            for call, reply in zip(calls, replies, strict=True):
                (output,) = orjson.loads(reply.first.body)["outputs"]
                assert output["data"] == pytest.approx(MODELS[call.uid].predict(X).tolist(), rel=1e-12)
            message = {}
            for uid in MODELS:
                described = orjson.loads((await dispatcher.ask(Request(Kind.DESCRIBE, uid))).first.body)
                assert described["inputs"] == [{"name": "x", "datatype": "FP64", "shape": [-1, 3]}]
                default, *others = described["outputs"]
                assert default == {"name": "y", "datatype": "FP64", "shape": [-1]}
                assert all(output["parameters"]["on_request"] for output in others)
                message[uid] = described["parameters"]["accelerate"]
            assert message == HOW

    asyncio.run(asked())
