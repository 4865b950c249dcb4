"""What every request leaves behind: an ID that its logs and its answer carry, and what it adds to metrics."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

import structlog
from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from model_server.metrics import Metrics

_REQUEST_ID = b"x-request-id"
_PASSED_ON = (b"traceparent", b"tracestate")
_LONGEST_ID = 128
_INFERENCE = ("/infer", "/models:batchInfer", "/predict")
_CLIENT_GONE = 499
"""A client that went before the end of its request, as nginx counts them; nobody reads an answer."""
_log = structlog.get_logger()


class Observed:
    """An application whose requests are counted, timed and named; W3C trace headers come back as they came.

    A failed request is logged with its ID. Others are not: a log line takes as long as a small model.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request as the application does, with its ID."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"])
        request_id = given.get(_REQUEST_ID, b"")[:_LONGEST_ID] or uuid.uuid4().hex.encode()
        added = [(_REQUEST_ID, request_id), *((name, given[name]) for name in _PASSED_ON if name in given)]
        status = 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, sent)
        except ClientDisconnect:
            status = _CLIENT_GONE
        except Exception:
            # Perhaps within its answer: then the server closes the connection, and nobody takes it for whole.
            status = 500
            raise
        finally:
            seconds = time.perf_counter() - started
            if scope["path"].endswith(_INFERENCE):
                self._metrics.answered(status, seconds)
            if status >= 500 and not scope["path"].endswith("/health/ready"):
                headers = {name.decode(): value.decode("latin-1") for name, value in added}
                _log.warning(
                    "failed", path=scope["path"], status=status, seconds=round(seconds, 4), **headers
                )
