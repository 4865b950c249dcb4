"""How the API refuses: a status and one line, `{"error": ...}`, whatever was wrong."""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from bluegrid.updates.errors import Refused
from bluegrid.updates.reserve import FULL
from bluegrid_registry import BluegridError
from bluegrid_registry.frozen import Frozen

_FULL_OR_UNWRITABLE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE)
log = structlog.get_logger()

MAX_JSON_BYTES = 4 * 2**20


class Fault(Frozen):
    """Why a request was refused: what is wrong, where, and what to do."""

    error: str


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {"model": Fault, "description": words}
    for status, words in {
        400: "The request makes no sense, or its body has another digest.",
        401: "No token, or none that is known.",
        403: "The token does not allow this.",
        404: "No such set, version, update or upload.",
        409: "The update has ended, or this server cannot roll out what the set wants.",
        411: "A request that is no upload says its Content-Length.",
        413: "The body is too large.",
        415: "The body is compressed.",
        422: "The idempotency key was used for another request.",
        500: "A fault of the server's; its log says which.",
        507: "The server's disk is full.",
        502: "The registry, the store or git does not answer, or refuses.",
    }.items()
}
"""The refusals of every route, for the OpenAPI document."""


def add_faults(app: FastAPI) -> None:
    """Make the application refuse so."""
    app.middleware("http")(_bounded)
    app.exception_handler(BluegridError)(_known)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_of_http)
    app.exception_handler(OSError)(_of_disk)
    app.exception_handler(sqlite3.OperationalError)(_of_disk)
    app.exception_handler(Exception)(_unknown)


async def _bounded(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse a body that is compressed, or no upload and too large, before it is read."""
    if (encoding := request.headers.get("content-encoding", "identity").strip().lower()) != "identity":
        message = f"Content-Encoding: {encoding[:40]!r} is not taken here; send the body as it is"
        return _fault(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message, {"Accept-Encoding": "identity"})
    if request.method != "PUT":
        length = request.headers.get("content-length", "")
        if (int(length) if length.isdecimal() else 0) > MAX_JSON_BYTES:
            message = f"a request has at most {MAX_JSON_BYTES} bytes; models come as uploads"
            return _fault(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)
        if "transfer-encoding" in request.headers:
            return _fault(HTTPStatus.LENGTH_REQUIRED, "a request that is no upload says its Content-Length")
    return await go_on(request)


async def _known(_: Request, error: Exception) -> Response:
    if isinstance(error, Refused):
        return _fault(error.status, str(error), error.headers)
    return _fault(HTTPStatus.BAD_GATEWAY, str(error))


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - the handler is registered for it
    mistakes = [
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg'].removeprefix('Value error, ')}"
        for each in error.errors()
    ]
    return _fault(HTTPStatus.BAD_REQUEST, "; ".join(mistakes))


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the handler is registered for it
    message = f"{request.method} {request.url.path[:200]}: {error.detail}"
    return _fault(error.status_code, message, error.headers)


async def _of_disk(request: Request, error: Exception) -> Response:
    is_full = (
        getattr(error, "errno", None) in FULL
        or getattr(error, "sqlite_errorcode", None) in _FULL_OR_UNWRITABLE
    )
    if not is_full:
        log.exception("request failed", path=request.url.path, exc_info=error)
        return await _unknown(request, error)
    return _fault(HTTPStatus.INSUFFICIENT_STORAGE, f"the server's disk is full: {error}; free space")


async def _unknown(_: Request, __: Exception) -> Response:
    return _fault(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of the server's; see its log")


def _fault(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, status, headers)
