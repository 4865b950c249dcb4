"""Requests to a shard that is slow, ends or answers nonsense."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry.shards import Shard
from bluegrid_server.errors import (
    BusyError,
    RequestError,
    ShardUnreachableError,
    TimeLimitError,
    TooLargeError,
)
from bluegrid_server.shards import peer as peer_module
from bluegrid_server.shards.connection import Allowance
from bluegrid_server.shards.peer import Peer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


async def _with(handler: Handler, use: Callable[[Peer], Awaitable[None]]) -> None:
    ended = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end = asyncio.get_running_loop().create_future()
        ended.append(end)
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            end.set_result(None)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        peer = Peer(Shard(1, 2), "loading-d1-1", f"http://{host}:{port}")
        await use(peer)
        peer.close()
        await asyncio.gather(*ended)


async def _ask(peer: Peer, body: bytes = b"", seconds: float | None = None) -> bytes:
    async with peer.ask("POST", "/infer", body=body, seconds=seconds) as answer:
        return await answer.whole()


async def _head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def _fails(handler: Handler, kind: type[RequestError], words: str, seconds: float | None = None) -> None:
    async def use(peer: Peer) -> None:
        with pytest.raises(kind, match=words):
            await _ask(peer, seconds=seconds)

    asyncio.run(_with(handler, use))


def test_a_request_names_its_shard_and_keeps_its_connection() -> None:
    heads: list[bytes] = []
    connections = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for _ in range(3):
            heads.append(await _head(reader))
            writer.write(OK)
        writer.close()

    async def use(peer: Peer) -> None:
        for _ in range(3):
            assert await _ask(peer) == b"{}"

    asyncio.run(_with(handler, use))
    assert connections == 1
    assert all(b"\r\nBluegrid-Shard: 1/2\r\n" in head for head in heads)


def test_a_connection_that_ended_while_idle_is_replaced() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(OK)
        # The next request meets a connection that is closed.
        writer.close()

    async def use(peer: Peer) -> None:
        for _ in range(5):
            assert await _ask(peer) == b"{}"

    asyncio.run(_with(handler, use))


def test_a_shard_that_ends_every_connection_is_named_after_two_tries() -> None:
    tries = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        await _head(reader)
        writer.close()

    _fails(handler, ShardUnreachableError, "loading-d1-1, a shard of this cluster, does not answer: it ended")
    assert tries == 2


def test_an_answer_that_breaks_off_is_not_asked_for_again() -> None:
    tries = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        await _head(reader)
        writer.write(OK[:-1])
        writer.close()

    _fails(handler, ShardUnreachableError, "its answer broke off")
    assert tries == 1


def test_what_is_not_http_is_an_error() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(b"hello\r\n")
        writer.close()

    _fails(handler, ShardUnreachableError, "does not answer")


def test_a_silent_shard_is_given_up_in_time() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        await reader.read()
        writer.close()

    _fails(handler, TimeLimitError, "loading-d1-1 did not answer in 0.1 s", seconds=0.1)


def test_no_shard_at_the_address_is_an_error_at_once() -> None:
    async def use() -> None:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        with pytest.raises(ShardUnreachableError, match="loading-d1-1"):
            await _ask(Peer(Shard(1, 2), "loading-d1-1", f"http://127.0.0.1:{port}"))

    asyncio.run(use())


def test_more_waiting_requests_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_module, "_MOST_WAITING", 2)
    release = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        await release.wait()
        writer.write(OK)

    async def use(peer: Peer) -> None:
        waiting = [asyncio.ensure_future(_ask(peer)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="2 requests wait for loading-d1-1"):
            await _ask(peer)
        release.set()
        assert await asyncio.gather(*waiting) == [b"{}", b"{}"]

    asyncio.run(_with(handler, use))


def test_interim_answers_are_skipped() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for interim in (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"):
            await _head(reader)
            writer.write(interim)
            await writer.drain()
            writer.write(interim + OK)

    async def use(peer: Peer) -> None:
        for _ in range(2):
            async with peer.ask("GET", "/") as answer:
                assert answer.status == 200
                assert answer.headers == [(b"content-length", b"2")]
                assert await answer.whole() == b"{}"

    asyncio.run(_with(handler, use))


def test_a_second_answer_to_one_request_ends_the_connection_and_reaches_nobody() -> None:
    connections = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await _head(reader)
        writer.write(OK + OK.replace(b"{}", b"[]"))

    async def use(peer: Peer) -> None:
        for _ in range(2):
            async with peer.ask("GET", "/") as answer:
                assert answer.headers == [(b"content-length", b"2")]
                assert await answer.whole() == b"{}"

    asyncio.run(_with(handler, use))
    assert connections == 2


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 2**17,
    ],
    ids=["another protocol", "a head without an end"],
)
def test_an_answer_that_a_shard_does_not_give_ends_the_connection(sent: bytes) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(sent)
        await reader.read()

    _fails(handler, ShardUnreachableError, "loading-d1-1, a shard of this cluster, does not answer")


def test_clients_that_read_slowly_do_not_keep_others_from_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_module, "_MOST_AT_ONCE", 2)
    monkeypatch.setattr(peer_module, "_MOST_WAITING", 2)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await _head(reader)
            writer.write(OK)

    async def use(peer: Peer) -> None:
        async with AsyncExitStack() as slow:
            for _ in range(5):
                await slow.enter_async_context(peer.ask("GET", "/"))
            assert await _ask(peer, seconds=5) == b"{}"
        assert await _ask(peer) == b"{}"

    asyncio.run(_with(handler, use))


def test_the_wait_for_other_requests_has_the_same_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_module, "_MOST_AT_ONCE", 1)
    release = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        await release.wait()
        writer.write(OK)

    async def use(peer: Peer) -> None:
        first = asyncio.ensure_future(_ask(peer))
        await asyncio.sleep(0)
        with pytest.raises(TimeLimitError, match=r"did not answer in 0\.05 s"):
            await _ask(peer, seconds=0.05)
        release.set()
        assert await first == b"{}"

    asyncio.run(_with(handler, use))


def test_answers_that_are_kept_have_a_limit_together() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await _head(reader)
            writer.write(OK)

    async def use(peer: Peer) -> None:
        allowance = Allowance(5)
        for _ in range(2):
            async with peer.ask("GET", "/") as answer:
                assert await answer.whole(allowance) == b"{}"
        async with peer.ask("GET", "/") as answer:
            with pytest.raises(TooLargeError, match="have over 5 bytes; split the request"):
                await answer.whole(allowance)

    asyncio.run(_with(handler, use))


def test_a_large_answer_is_read_as_fast_as_its_reader() -> None:
    size = 2**24
    written = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await _head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        for _ in range(2**8):
            writer.write(bytes(2**16))
            await writer.drain()
            written += 2**16
        writer.close()

    async def use(peer: Peer) -> None:
        async with peer.ask("GET", "/") as answer:
            async for piece in answer.body:
                assert piece
                break
            # Far less than the whole answer is in flight while its reader does something else.
            for _ in range(50):
                await asyncio.sleep(0.002)
            assert written < size // 2
            rest = 0
            async for piece in answer.body:
                rest += len(piece)
        assert rest

    asyncio.run(_with(handler, use))
