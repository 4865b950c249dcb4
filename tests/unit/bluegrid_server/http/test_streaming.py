"""Answers of several parts: small ones are sent whole with their length, large ones in chunks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bluegrid_server.http.responses import STREAMED, response
from bluegrid_server.protocol.remarks import FALLBACK, NON_FINITE, Remarks
from bluegrid_server.protocol.requests import Reply, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from starlette.types import Message


def sent(
    parts: list[bytes], requested: list[bytes], count: Callable[[Mapping[str, str]], None] | None = None
) -> list[Message]:
    """Return the messages sent for an answer in these parts; `requested` gets each part on request.

    Each part has one value that is not finite, and an answer of a fallback model.
    """
    headers = Remarks(1, {"flatliner": 1}).json_headers
    messages: list[Message] = []

    async def rest() -> AsyncIterator[Response]:
        for part in parts[1:]:
            requested.append(part)
            yield Response(part, headers=headers, is_last=part is parts[-1])

    async def run() -> None:
        async def send(message: Message) -> None:
            messages.append(message)

        async def receive() -> Message:
            await asyncio.get_running_loop().create_future()
            raise AssertionError

        answer = await response(Reply(Response(parts[0], headers=headers), rest()), count)
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


def test_the_headers_say_what_is_known_by_then_and_the_rest_is_counted() -> None:
    half = b"x" * (STREAMED // 2 + 1)
    counted: list[Remarks] = []
    start, *_ = sent(
        [half, half, b"more", b"last"], [], lambda headers: counted.append(Remarks.of_headers(headers))
    )
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    assert (headers[NON_FINITE], headers[FALLBACK]) == ("2", "flatliner=2")
    assert counted == [Remarks(1, {"flatliner": 1})] * 2
    whole, *_ = sent([b"[1", b",2", b"]"], [])
    assert dict(whole["headers"])[NON_FINITE.encode()] == b"3"
