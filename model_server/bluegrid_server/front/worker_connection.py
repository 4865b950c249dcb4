"""A worker as the front sees it: a connection, and the calls that it has not answered."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol, cast

import orjson

from bluegrid_server.ipc.messages import UP, Frames, Reply, call_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from bluegrid_server.errors import RequestError
    from bluegrid_server.ipc.messages import Call, Part
    from bluegrid_server.ipc.worker_status import WorkerStatus


class PendingRequest(ABC):
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


class FutureRequest(PendingRequest):
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

    def heard(self, connection: WorkerConnection, told: Mapping[str, str]) -> None:
        """Take what a worker says by itself: `said`, `failed`, or nothing: that calls may come."""

    def lost(self, connection: WorkerConnection) -> None:
        """Take that a worker has ended."""


class WorkerConnection(asyncio.Protocol):
    """One worker.

    Attributes:
        pending: its calls by number.
        bytes: of their bodies.
        is_up: whether it takes calls.
        error: what the call that it is busy with is answered when the front has it ended.
    """

    def __init__(self, listener: Listener, name: str, status: WorkerStatus) -> None:
        self.name, self.status = name, status
        self.pending: dict[int, PendingRequest] = {}
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
            request = self.pending[number]
            request.is_begun = True
            if part.is_last:
                del self.pending[number]
                self.bytes -= len(request.call.body)
            request.receive(part)

    def connection_lost(self, _: Exception | None) -> None:
        """Tell that it has ended."""
        self._listener.lost(self)
        self.is_up = False
        self.status.close()
        self._gone.set()

    def send(self, request: PendingRequest) -> None:
        """Send a request to the worker."""
        self.pending[request.number] = request
        self.bytes += len(request.call.body)
        self._transport.write(call_bytes(request.number, request.call))

    async def close(self) -> None:
        """Close the connection, which ends the worker, and wait until it has ended."""
        self._transport.close()
        await self._gone.wait()
