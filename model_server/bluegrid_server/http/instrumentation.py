"""Instrumentation of requests: an ID in logs and responses, and metrics."""

from __future__ import annotations

import itertools
import os
import time
from functools import partial
from typing import TYPE_CHECKING

import structlog
from starlette.requests import ClientDisconnect

from bluegrid_registry.contract import SHARD_HEADER
from bluegrid_server.protocol.remarks import FALLBACK, NON_FINITE, Remarks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from bluegrid_server.metrics import Metrics

_REQUEST_ID = b"x-request-id"
_SHARD = SHARD_HEADER.lower().encode()
_REMARKS = (NON_FINITE.encode(), FALLBACK.encode())
_PASSED_ON = (b"traceparent", b"tracestate")
_LONGEST_ID = 128
_INFERENCE = ("/infer", "/models:batchInfer", "/predict")
CLIENT_GONE = 499
"""Status for a client that disconnected before the end of its request, as in nginx; never sent."""
COUNT = "bluegrid.count"
"""Key in the ASGI scope: counts what the headers of a piece say, after those of the response are sent."""
_log = structlog.get_logger()

Names = list[tuple[bytes, bytes]]
"""Headers that identify a request."""

_process = os.urandom(8).hex().encode()
_count = itertools.count()


def names_of(headers: Mapping[bytes, bytes]) -> Names:
    """Return the headers for the response: request ID, the client's or new, and the trace as received."""
    # A random number for each request would take longer than the rest of this function.
    request_id = headers.get(_REQUEST_ID, b"")[:_LONGEST_ID] or b"%s-%x" % (_process, next(_count))
    return [(_REQUEST_ID, request_id), *((name, headers[name]) for name in _PASSED_ON if name in headers)]


def observe(
    metrics: Metrics | None, path: str, status: int, seconds: float, names: Sequence[tuple[bytes, bytes]]
) -> None:
    """Count a request that has ended, unless another pod does; log it with its names if it failed.

    Successful requests are not logged: a line takes as long as a small model.
    """
    if metrics is not None and path.endswith(_INFERENCE):
        metrics.answered(status, seconds)
    if status >= 500 and not path.endswith("/health/ready"):
        headers = {name.decode(): value.decode("latin-1") for name, value in names}
        _log.warning("failed", path=path, status=status, seconds=round(seconds, 4), **headers)


def count_remarks(metrics: Metrics, headers: Mapping[str, str]) -> None:
    """Count what the headers of a response say of its answers; their names are in lower case."""
    remarks = Remarks.of_headers(headers)
    metrics.remarked(remarks.non_finite, remarks.fallbacks)


class Observed:
    """An application whose requests get an ID and are counted and timed.

    Args:
        app: the application.
        metrics: where requests are counted.
        is_shard: whether requests may come from pods of other shards, which count them.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, *, is_shard: bool = False) -> None:
        self._app = app
        self._metrics = metrics
        self._is_shard = is_shard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application; add the names to its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        names = names_of(headers)
        is_counted = not (self._is_shard and _SHARD in headers)
        if is_counted:
            scope[COUNT] = partial(count_remarks, self._metrics)
        status = 500

        async def send_with_names(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                found = [header for header in message["headers"] if header[0] in _REMARKS]
                if found and is_counted:
                    count_remarks(self._metrics, {name.decode(): value.decode() for name, value in found})
                message["headers"] = [*message["headers"], *names]
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, send_with_names)
        except ClientDisconnect:
            status = CLIENT_GONE
        except Exception:
            # If the response has begun, the server closes the connection, which shows that it is incomplete.
            status = 500
            raise
        finally:
            # Not the decoded path, in which the end of a UID could be an operation.
            path = scope["raw_path"].decode("ascii")
            metrics = self._metrics if is_counted else None
            observe(metrics, path, status, time.perf_counter() - started, names)
