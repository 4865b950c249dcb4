"""Bodies of requests and answers, as Starlette has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response as HttpResponse
from starlette.responses import StreamingResponse

from bluegrid_server.errors import RequestError, TooLargeError
from bluegrid_server.http.inflating import Inflating
from bluegrid_server.protocol.body import json_of
from bluegrid_server.protocol.messages import JSON, refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.exceptions import HTTPException
    from starlette.requests import Request as HttpRequest

    from bluegrid_server.protocol.messages import Reply

MAX_BODY = 16 * 2**20
"""Bytes of a request's body; 186 models with 100 features each take 0.4 MB."""

_PLAIN = "identity"

STREAMED = 2**20
"""Bytes of an answer from which on it is not held until it is whole."""


async def body_of(request: HttpRequest) -> bytes:
    """Read a request's body, which may be compressed.

    Raises:
        TooLargeError: it is longer than MAX_BODY, as sent or uncompressed; the rest is not read.
        EncodingError: it is compressed in a way that is not known here.
        InputError: it is not compressed as its header says.
        ClientDisconnect: the client has gone before the end of it.
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
    """Return an answer of JSON."""
    return HttpResponse(json_of(document), status, headers, JSON)


async def response(reply: Reply) -> HttpResponse:
    """Return a worker's answer; a large one is sent as its parts come.

    Raises:
        RequestError: it ended before that was clear.
    """
    first, rest = reply.first, reply.rest
    if rest is None:
        return HttpResponse(first.body, first.status, first.headers)
    bodies, size = [first.body], len(first.body)
    async for part in rest:
        bodies.append(part.body)
        size += len(part.body)
        if size > STREAMED:
            break
    whole = b"".join(bodies)
    if size <= STREAMED:
        return HttpResponse(whole, first.status, first.headers)

    async def parts() -> AsyncIterator[bytes]:
        yield whole
        async for part in rest:
            yield part.body

    return StreamingResponse(parts(), first.status, first.headers)


async def refused(_: HttpRequest, error: RequestError) -> HttpResponse:
    """Answer a RequestError."""
    part = refusal(error)
    return HttpResponse(part.body, part.status, part.headers)


async def unrouted(request: HttpRequest, error: HTTPException) -> HttpResponse:
    """Answer what no route takes: 404 and 405."""
    message = f"{request.method} {request.url.path}: {error.detail}"
    return answer({"error": message}, error.status_code, error.headers)


async def failed(_: HttpRequest, error: Exception) -> HttpResponse:
    """Answer a fault of ours; the server logs it with its trace."""
    return answer({"error": f"internal error: {type(error).__name__}"}, 500)
