"""A worker as the front sees it: a connection, and the calls that it has not answered."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol, cast

import orjson

from bluegrid_server.workers.calls import UP, Frames, Reply, call_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from bluegrid_server.errors import RequestError
    from bluegrid_server.workers.beat import Beat
    from bluegrid_server.workers.calls import Call, Part


class Flight(ABC):
    """A call that is not answered yet.

    Attributes:
        call: what is asked.
        number: by which a worker tells it from others.
        tries: workers that ended before they answered.
        is_begun: whether a part of the answer is here.
    """

    __slots__ = ("call", "is_begun", "number", "tries")

    def __init__(self, call: Call) -> None:
        self.call = call
        self.number = self.tries = 0
        self.is_begun = False

    @abstractmethod
    def receive(self, part: Part) -> None:
        """Take a part of the answer."""

    @abstractmethod
    def fail(self, error: RequestError) -> None:
        """End without an answer, or with half of one."""


class Awaited(Flight):
    """A call whose answer a coroutine waits for."""

    __slots__ = ("_rest", "first")

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.first: asyncio.Future[Part] = asyncio.get_running_loop().create_future()
        self._rest: asyncio.Queue[Part | RequestError] | None = None

    def receive(self, part: Part) -> None:
        """Take a part of the answer."""
        if self._rest is not None:
            self._rest.put_nowait(part)
        elif not self.first.done():
            if not part.is_last:
                self._rest = asyncio.Queue()
            self.first.set_result(part)

    def fail(self, error: RequestError) -> None:
        """End without an answer, or with half of one."""
        if self._rest is not None:
            self._rest.put_nowait(error)
        elif not self.first.done():
            self.first.set_exception(error)

    async def reply(self) -> Reply:
        """Wait for the answer; RequestError when there is none."""
        first = await self.first
        return Reply(first, None if self._rest is None else self._parts(self._rest))

    async def _parts(self, rest: asyncio.Queue[Part | RequestError]) -> AsyncIterator[Part]:
        is_last = False
        while not is_last:
            part = await rest.get()
            if isinstance(part, Exception):
                raise part
            is_last = part.is_last
            yield part


class Listener(Protocol):
    """Who is told what happens to a worker."""

    def heard(self, hand: Hand, told: Mapping[str, str]) -> None:
        """Take what a worker says by itself: `said`, `failed`, or nothing: that calls may come."""

    def lost(self, hand: Hand) -> None:
        """Take that a worker has ended."""


class Hand(asyncio.Protocol):
    """One worker.

    Attributes:
        flights: its calls by number.
        bytes: of their bodies.
        is_up: whether it takes calls.
        error: what the call that it is busy with is answered when the front has it ended.
    """

    def __init__(self, listener: Listener, name: str, beat: Beat) -> None:
        self.name, self.beat = name, beat
        self.flights: dict[int, Flight] = {}
        self.bytes = 0
        self.is_up = False
        self.error: RequestError | None = None
        self._listener = listener
        self._frames = Frames()
        self._gone = asyncio.Event()
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Give parts of answers to those who wait for them."""
        for number, part in self._frames.parts(data):
            if number == UP:
                self._listener.heard(self, orjson.loads(part.body))
                continue
            flight = self.flights[number]
            flight.is_begun = True
            if part.is_last:
                del self.flights[number]
                self.bytes -= len(flight.call.body)
            flight.receive(part)

    def connection_lost(self, _: Exception | None) -> None:
        """Tell that it has ended."""
        self._listener.lost(self)
        self.is_up = False
        self.beat.close()
        self._gone.set()

    def hand(self, flight: Flight) -> None:
        """Give it a call."""
        self.flights[flight.number] = flight
        self.bytes += len(flight.call.body)
        self._transport.write(call_bytes(flight.number, flight.call))

    async def close(self) -> None:
        """Let it end."""
        self._transport.close()
        await self._gone.wait()
