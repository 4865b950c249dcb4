"""Bodies of requests and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from model_server.errors import InputError, RequestError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.exceptions import HTTPException
    from starlette.requests import Request

MAX_BODY = 16 * 2**20
"""Bytes of a request's body; 186 models with 100 features each take 0.4 MB."""


JSON_LENGTH = "Inference-Header-Content-Length"
"""The header that says how long the JSON before binary data is."""


async def body_of(request: Request) -> bytes:
    """Read a request's body.

    Raises:
        TooLargeError: it is longer than MAX_BODY; the rest of it is not read.
    """
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise TooLargeError(f"the body is over {MAX_BODY} bytes; split the request")
        chunks.append(chunk)
    return b"".join(chunks)


def parsed(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body holds.

    Raises:
        InputError: it holds something else.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InputError(f"the body is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise InputError("the body must be a JSON object")
    return document


def split(body: bytes, json_length: str | None) -> tuple[bytes, bytes]:
    """Return a body's JSON, and the binary data behind it, if the header says where the JSON ends.

    Raises:
        InputError: the header is no length within the body.
    """
    if json_length is None:
        return body, b""
    length = int(json_length) if json_length.isascii() and json_length.isdigit() else -1
    if not 0 <= length <= len(body):
        raise InputError(f"{JSON_LENGTH}: {json_length!r} is no length of the JSON in {len(body)} bytes")
    return body[:length], body[length:]


def binary_answer(document: Any, binary: Sequence[bytes]) -> Response:
    """Return an answer of JSON with binary data behind it."""
    content = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    headers = {JSON_LENGTH: str(len(content))}
    return Response(b"".join((content, *binary)), headers=headers, media_type="application/octet-stream")


def answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer of JSON; arrays of numbers are NumPy's."""
    content = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(content, status, headers, "application/json")


async def refused(_: Request, error: RequestError) -> Response:
    """Answer a RequestError."""
    return answer({"error": str(error)}, error.status, error.headers)


async def unrouted(request: Request, error: HTTPException) -> Response:
    """Answer what no route takes: 404 and 405."""
    message = f"{request.method} {request.url.path}: {error.detail}"
    return answer({"error": message}, error.status_code, error.headers)


async def failed(_: Request, error: Exception) -> Response:
    """Answer a fault of ours; the server logs it with its trace."""
    return answer({"error": f"internal error: {type(error).__name__}"}, 500)
