"""The front's requests that are not answered yet."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from bluegrid_server.protocol.requests import Reply, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bluegrid_server.errors import RequestError
    from bluegrid_server.protocol.requests import Response


class PendingRequest(Request, ABC):
    """A request that is not answered yet.

    Attributes:
        number: identifies the request on the connection to a worker.
        tries: number of workers that ended before they answered.
        is_begun: whether a piece of the response has arrived.
    """

    number = 0
    tries = 0
    is_begun = False

    @abstractmethod
    def receive(self, response: Response) -> None:
        """Receive the response, or its next piece."""

    @abstractmethod
    def fail(self, error: RequestError) -> None:
        """End without a response, or with an incomplete response."""


class FutureRequest(PendingRequest):
    """A request whose response a coroutine waits for."""

    def __init__(self, request: Request) -> None:
        super().__init__(request.kind, request.uid, request.body, request.json_length)
        self.first: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._rest: asyncio.Queue[Response | RequestError] | None = None

    def receive(self, response: Response) -> None:
        """Receive the response, or its next piece."""
        if self._rest is not None:
            self._rest.put_nowait(response)
        elif not self.first.done():
            if not response.is_last:
                self._rest = asyncio.Queue()
            self.first.set_result(response)

    def fail(self, error: RequestError) -> None:
        """End without a response, or with an incomplete response."""
        if self._rest is not None:
            self._rest.put_nowait(error)
        elif not self.first.done():
            self.first.set_exception(error)

    async def reply(self) -> Reply:
        """Wait for the response; raise RequestError if there is none."""
        first = await self.first
        return Reply(first, None if self._rest is None else self._pieces(self._rest))

    async def _pieces(self, rest: asyncio.Queue[Response | RequestError]) -> AsyncIterator[Response]:
        is_last = False
        while not is_last:
            piece = await rest.get()
            if isinstance(piece, Exception):
                raise piece
            is_last = piece.is_last
            yield piece
