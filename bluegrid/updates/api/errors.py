"""Errors as HTTP responses: a status and one line, `{"error": ...}`, whatever went wrong."""

import sqlite3
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from bluegrid.updates.disk_reserve import FULL
from bluegrid.updates.errors import ApiError
from bluegrid_registry import BluegridError
from bluegrid_registry.frozen import Frozen

_FULL_OR_UNWRITABLE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE)
log = structlog.get_logger()


class Fault(Frozen):
    """Why a request was refused: what is wrong, where, and what to do."""

    error: str


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {"model": Fault, "description": description}
    for status, description in {
        400: "The request is not valid, or its body has another digest.",
        401: "Missing or unknown token.",
        403: "The token does not allow this.",
        404: "No such set, version, update or upload.",
        409: "The update has ended, or this server cannot roll out what the set wants.",
        411: "Requests other than uploads must send Content-Length.",
        413: "The body is too large.",
        415: "The body is compressed.",
        422: "The idempotency key was used for another request.",
        500: "A fault of the server; its log has the details.",
        507: "The disk of the server is full.",
        502: "The registry, the store or git does not answer, or refuses.",
    }.items()
}
"""The errors of every route, for the OpenAPI document."""


def add_handlers(app: FastAPI) -> None:
    """Have an application answer errors in this form."""
    app.exception_handler(BluegridError)(_known)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_of_http)
    app.exception_handler(OSError)(_of_disk)
    app.exception_handler(sqlite3.OperationalError)(_of_disk)
    app.exception_handler(Exception)(_unknown)


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response for an error."""
    return JSONResponse({"error": message}, status, headers)


async def _known(_: Request, error: Exception) -> Response:
    if isinstance(error, ApiError):
        return error_response(error.status, str(error), error.headers)
    return error_response(HTTPStatus.BAD_GATEWAY, str(error))


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - the handler is registered for it
    mistakes = [
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg'].removeprefix('Value error, ')}"
        for each in error.errors()
    ]
    return error_response(HTTPStatus.BAD_REQUEST, "; ".join(mistakes))


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - the handler is registered for it
    message = f"{request.method} {request.url.path[:200]}: {error.detail}"
    return error_response(error.status_code, message, error.headers)


async def _of_disk(request: Request, error: Exception) -> Response:
    is_full = (
        getattr(error, "errno", None) in FULL
        or getattr(error, "sqlite_errorcode", None) in _FULL_OR_UNWRITABLE
    )
    if not is_full:
        log.exception("request failed", path=request.url.path, exc_info=error)
        return await _unknown(request, error)
    return error_response(HTTPStatus.INSUFFICIENT_STORAGE, f"the server's disk is full: {error}; free space")


async def _unknown(_: Request, __: Exception) -> Response:
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of the server's; see its log")
