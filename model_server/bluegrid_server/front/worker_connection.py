"""The front's connection to a worker, with the requests that the worker has not answered."""

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
    """Handles the events of a worker."""

    def worker_reported(self, connection: WorkerConnection, event: Order | Event) -> None:
        """Handle an event of a worker: Progress, Failed or Ready."""

    def worker_ended(self, connection: WorkerConnection) -> None:
        """Handle the end of a worker."""


class WorkerConnection(asyncio.Protocol):
    """The connection to one worker.

    Attributes:
        pending: the worker's requests by number.
        bytes: total size of the requests' bodies.
        is_up: whether the worker accepts requests.
        error: for the request in progress, once the front has the worker killed for this request.
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
        self._is_retired = False
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport of the new connection."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Pass each response to its request."""
        for number, response in self._frames.responses(data):
            if number == UP:
                self._listener.worker_reported(self, message_of(response.body))
                continue
            pending = self.pending[number]
            pending.is_begun = True
            if response.is_last:
                del self.pending[number]
                self.bytes -= len(pending.body)
            pending.receive(response)
        if self._is_retired and not self.pending:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        """Report the end of the worker."""
        self._listener.worker_ended(self)
        self.is_up = False
        self.status.close()
        self._gone.set()

    def send(self, pending: PendingRequest) -> None:
        """Send a request to the worker."""
        self.pending[pending.number] = pending
        self.bytes += len(pending.body)
        self._transport.write(request_bytes(pending.number, pending))

    def retire(self) -> None:
        """Accept no more requests; end the worker when it has answered those that it has."""
        self.is_up = False
        self._is_retired = True
        if not self.pending:
            self._transport.close()

    async def close(self) -> None:
        """Close the connection, which ends the worker, and wait until it has ended."""
        self._transport.close()
        await self._gone.wait()
