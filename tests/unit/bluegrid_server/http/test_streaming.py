"""Answers of several parts: small ones are sent whole with their length, large ones in chunks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bluegrid_server.http.responses import STREAMED, response
from bluegrid_server.protocol.requests import Reply, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Message


def sent(parts: list[bytes], requested: list[bytes]) -> list[Message]:
    """Return the messages sent for an answer in these parts; `requested` gets each part on request."""
    messages: list[Message] = []

    async def rest() -> AsyncIterator[Response]:
        for part in parts[1:]:
            requested.append(part)
            yield Response(part)

    async def run() -> None:
        async def send(message: Message) -> None:
            messages.append(message)

        async def receive() -> Message:
            await asyncio.get_running_loop().create_future()
            raise AssertionError

        answer = await response(Reply(Response(parts[0]), rest()))
        requested.append(b"(headers)")
        await answer({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, send)

    asyncio.run(run())
    return messages


def test_a_small_answer_goes_out_whole_with_its_length() -> None:
    start, body = sent([b"[1", b",2", b"]"], [])
    assert (b"content-length", b"5") in start["headers"]
    assert body["body"] == b"[1,2]"


def test_a_large_answer_goes_out_before_its_end_is_there() -> None:
    half = b"x" * (STREAMED // 2 + 1)
    requested: list[bytes] = []
    start, *bodies = sent([half, half, b"last"], requested)
    assert b"content-length" not in dict(start["headers"])
    assert requested == [half, b"(headers)", b"last"]
    assert b"".join(body["body"] for body in bodies) == half + half + b"last"
