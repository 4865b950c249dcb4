"""A worker as the front sees it: a connection, and the calls that it has not answered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, cast

from bluegrid_server.ipc.control import message_of
from bluegrid_server.ipc.frames import UP, Frames, request_bytes

if TYPE_CHECKING:
    from bluegrid_server.errors import RequestError
    from bluegrid_server.ipc.control import Event, Order
    from bluegrid_server.ipc.pending import PendingRequest
    from bluegrid_server.ipc.worker_status import WorkerStatus


class Listener(Protocol):
    """What handles the events of a worker."""

    def heard(self, connection: WorkerConnection, event: Order | Event) -> None:
        """Take what a worker reports by itself: Progress, Failed or Ready."""

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
        for number, part in self._frames.responses(data):
            if number == UP:
                self._listener.heard(self, message_of(part.body))
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
        self._transport.write(request_bytes(request.number, request.call))

    async def close(self) -> None:
        """Close the connection, which ends the worker, and wait until it has ended."""
        self._transport.close()
        await self._gone.wait()
