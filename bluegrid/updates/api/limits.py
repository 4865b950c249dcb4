"""Refuses requests before their bodies are read: compressed bodies, and large bodies except uploads."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from fastapi import FastAPI, Request, Response

from bluegrid.updates.api.errors import error_response

MAX_JSON_BYTES = 4 * 2**20
"""Largest body of a request that is not an upload, in bytes: enough for the names of 10,000 models."""


def add_limits(app: FastAPI) -> None:
    """Have an application refuse such bodies."""
    app.middleware("http")(_limited)


async def _limited(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    if (encoding := request.headers.get("content-encoding", "identity").strip().lower()) != "identity":
        message = f"Content-Encoding: {encoding[:40]!r} is not supported; send the body as it is"
        return error_response(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message, {"Accept-Encoding": "identity"})
    if request.method != "PUT":
        length = request.headers.get("content-length", "")
        if (int(length) if length.isdecimal() else 0) > MAX_JSON_BYTES:
            message = f"a request has at most {MAX_JSON_BYTES} bytes; send models as uploads"
            return error_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)
        if "transfer-encoding" in request.headers:
            message = "a request that is not an upload must send Content-Length"
            return error_response(HTTPStatus.LENGTH_REQUIRED, message)
    return await call_next(request)
