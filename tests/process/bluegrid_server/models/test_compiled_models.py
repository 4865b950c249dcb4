"""Workers that answer with compiled models."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pytest

from bluegrid_server.protocol.requests import Kind, Request
from tests.process.bluegrid_server.dispatchers import running
from tests.support.compiled_models import HOW, MODELS, X

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid_server.ipc.pending import PendingRequest
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


def test_trees_are_answered_without_a_worker_unless_their_framework_has_to_judge(
    pushed: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    def request(data: list[float | None], **more: object) -> Request:
        tensor = {"name": "x", "shape": [1, 3], "datatype": "FP64", "data": data}
        return Request(Kind.INFER, "forest-1", orjson.dumps({"inputs": [tensor], **more}))

    async def asked() -> None:
        async with running(pushed(accelerate=None)) as dispatcher:
            (connection,) = dispatcher.supervisor.up()
            sent: list[PendingRequest] = []
            send = connection.send

            def counted(pending: PendingRequest) -> None:
                sent.append(pending)
                send(pending)

            monkeypatch.setattr(connection, "send", counted)
            answer = (await dispatcher.ask(request(X[0].tolist()))).first
            (output,) = orjson.loads(answer.body)["outputs"]
            assert output["data"] == MODELS["forest-1"].predict(X[:1]).tolist()
            assert not sent
            gap = (await dispatcher.ask(request([None, 1.0, 2.0]))).first
            (output,) = orjson.loads(gap.body)["outputs"]
            assert output["data"] == MODELS["forest-1"].predict([[np.nan, 1.0, 2.0]]).tolist()
            refused = (await dispatcher.ask(request([1e300, 1.0, 2.0]))).first
            assert refused.status == 500
            assert "model forest-1 failed" in orjson.loads(refused.body)["error"]
            assert len(sent) == 2
            await dispatcher.unload("forest-1")
            assert (await dispatcher.ask(request(X[0].tolist()))).first.status == 503
            await dispatcher.load("forest-1")
            assert (await dispatcher.ask(request(X[0].tolist()))).first == answer

    asyncio.run(asked())
