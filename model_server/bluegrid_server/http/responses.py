"""Conversion between Starlette's requests and responses and the server's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response as HttpResponse
from starlette.responses import StreamingResponse

from bluegrid_server.errors import RequestError, TooLargeError
from bluegrid_server.http.inflating import Inflating
from bluegrid_server.protocol.body import json_of
from bluegrid_server.protocol.remarks import Remarks
from bluegrid_server.protocol.requests import JSON, refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from starlette.exceptions import HTTPException
    from starlette.requests import Request as HttpRequest

    from bluegrid_server.protocol.requests import Reply

MAX_BODY = 16 * 2**20
"""Maximum size of a request's body, in bytes; 186 models with 100 features each take 0.4 MB."""

_PLAIN = "identity"

STREAMED = 2**20
"""Size of a response above which it is sent before it is complete, in bytes."""


async def body_of(request: HttpRequest) -> bytes:
    """Read a request's body, which may be compressed.

    Raises:
        TooLargeError: it is larger than MAX_BODY, as sent or decompressed; the rest is not read.
        EncodingError: its Content-Encoding is not supported.
        InputError: it is not compressed as its header says.
        ClientDisconnect: the client disconnected before the end of the body.
    """
    encoding = request.headers.get("content-encoding", _PLAIN)
    inflating = None if encoding.strip().lower() == _PLAIN else Inflating(encoding, MAX_BODY)
    chunks, sent, size, more = [], 0, 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        sent += len(chunk)
        chunks.append(inflating.add(chunk) if inflating else chunk)
        size += len(chunks[-1])
        if max(sent, size) > MAX_BODY:
            raise TooLargeError(f"the body is over {MAX_BODY} bytes; split the request")
        more = message.get("more_body", False)
    if inflating and sent:
        inflating.check_end()
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Return a response of JSON."""
    return HttpResponse(json_of(document), status, headers, JSON)


async def response(reply: Reply, count: Callable[[Mapping[str, str]], None] | None = None) -> HttpResponse:
    """Return a worker's response; a large response is sent piece by piece as the pieces arrive.

    Args:
        reply: the response.
        count: called with the headers of each piece that comes after the response's own headers are sent.

    Raises:
        RequestError: the response failed before it was complete or large.
    """
    first, rest = reply.first, reply.rest
    if rest is None:
        return HttpResponse(first.body, first.status, first.headers)
    bodies, size = [first.body], len(first.body)
    remarks = Remarks.of_headers(first.headers)
    async for part in rest:
        bodies.append(part.body)
        size += len(part.body)
        remarks += Remarks.of_headers(part.headers)
        if size > STREAMED:
            break
    whole = b"".join(bodies)
    # Of a response that is sent before it is complete, the headers say what is known by now.
    headers = {**first.headers, **remarks.headers}
    if size <= STREAMED:
        return HttpResponse(whole, first.status, headers)

    async def parts() -> AsyncIterator[bytes]:
        yield whole
        async for part in rest:
            if count is not None:
                count(part.headers)
            yield part.body

    return StreamingResponse(parts(), first.status, headers)


async def refused(_: HttpRequest, error: RequestError) -> HttpResponse:
    """Return the response to a RequestError."""
    refused = refusal(error)
    return HttpResponse(refused.body, refused.status, refused.headers)


async def unrouted(request: HttpRequest, error: HTTPException) -> HttpResponse:
    """Return the response to a request that no route takes: 404 or 405."""
    message = f"{request.method} {request.url.path}: {error.detail}"
    return answer({"error": message}, error.status_code, error.headers)


async def failed(_: HttpRequest, error: Exception) -> HttpResponse:
    """Return the response to a bug in the server, which uvicorn logs with its traceback."""
    return answer({"error": f"internal error: {type(error).__name__}"}, 500)
