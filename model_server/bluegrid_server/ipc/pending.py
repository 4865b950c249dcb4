"""Requests that are not answered yet, as the front keeps them."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from bluegrid_server.protocol.messages import Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bluegrid_server.errors import RequestError
    from bluegrid_server.protocol.messages import Request, Response


class PendingRequest(ABC):
    """A call that is not answered yet.

    Attributes:
        call: what is asked.
        number: by which a worker tells it from others.
        tries: workers that ended before they answered.
        is_begun: whether a part of the answer is here.
    """

    __slots__ = ("call", "is_begun", "number", "tries")

    def __init__(self, call: Request) -> None:
        self.call = call
        self.number = self.tries = 0
        self.is_begun = False

    @abstractmethod
    def receive(self, part: Response) -> None:
        """Take a part of the answer."""

    @abstractmethod
    def fail(self, error: RequestError) -> None:
        """End without an answer, or with half of one."""


class FutureRequest(PendingRequest):
    """A call whose answer a coroutine waits for."""

    __slots__ = ("_rest", "first")

    def __init__(self, call: Request) -> None:
        super().__init__(call)
        self.first: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._rest: asyncio.Queue[Response | RequestError] | None = None

    def receive(self, part: Response) -> None:
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

    async def _parts(self, rest: asyncio.Queue[Response | RequestError]) -> AsyncIterator[Response]:
        is_last = False
        while not is_last:
            part = await rest.get()
            if isinstance(part, Exception):
                raise part
            is_last = part.is_last
            yield part
