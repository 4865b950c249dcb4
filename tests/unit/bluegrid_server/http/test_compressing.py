"""Responses are compressed for clients that ask for it, if it is worthwhile."""

from __future__ import annotations

import asyncio
import gzip
import os
import zlib
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bluegrid_server.http.compressing import SMALLEST, Compressing, coding_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

LARGE = b"".join(b"%d.5," % number for number in range(2 * SMALLEST))
"""Over 64 KiB: it is compressed in another thread."""
RANDOM = os.urandom(2 * SMALLEST)


def fetched(body: bytes, accepted: str, *, streamed: bool = False) -> tuple[httpx.Headers, bytes]:
    """Return headers and bytes of a response with this body, sent at once or in pieces."""

    async def answer(_: Request) -> Response:
        return StreamingResponse(parts()) if streamed else Response(body, headers={"X-Length": "9"})

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(body), SMALLEST):
            yield body[start : start + SMALLEST]

    async def send() -> tuple[httpx.Headers, bytes]:
        transport = httpx.ASGITransport(Compressing(Starlette(routes=[Route("/", answer)])))
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://pod") as client,
            client.stream("GET", "/", headers={"Accept-Encoding": accepted}) as response,
        ):
            return response.headers, b"".join([part async for part in response.aiter_raw()])

    return asyncio.run(send())


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("coding", "decompress"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)])
def test_a_large_response_has_the_coding_that_the_client_asks_for(
    coding: str, decompress: type[bytes], *, streamed: bool
) -> None:
    headers, raw = fetched(LARGE, coding, streamed=streamed)
    assert (headers["Content-Encoding"], headers["Vary"]) == (coding, "Accept-Encoding")
    assert decompress(raw) == LARGE
    assert len(raw) < len(LARGE) / 2
    assert headers.get("Content-Length") == (None if streamed else str(len(raw)))
    assert headers.get("X-Length") == (None if streamed else "9")


@pytest.mark.parametrize(
    ("body", "accepted"),
    [(LARGE, "identity"), (LARGE, "br"), (LARGE[: SMALLEST - 1], "gzip"), (RANDOM, "gzip")],
    ids=["not accepted", "not known", "small", "does not shrink"],
)
def test_other_responses_are_sent_as_they_are(body: bytes, accepted: str) -> None:
    headers, raw = fetched(body, accepted)
    assert raw == body
    assert "Content-Encoding" not in headers
    assert headers["Content-Length"] == str(len(body))


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "gzip"),
        ("GZIP;q=1.0", "gzip"),
        ("deflate, gzip;q=0.5", "deflate"),
        ("gzip;q=0, deflate;q=0.1", "deflate"),
        ("gzip;q=0, *", "deflate"),
        ("*", "gzip"),
        ("*;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("gzip;q=0", None),
        ("", None),
        ("br;q=1, ;;, gzip ; q = 0.25", "gzip"),
    ],
)
def test_the_coding_is_the_one_that_the_client_prefers(accepted: str, coding: str | None) -> None:
    assert coding_for(accepted.encode(), LARGE) == coding
