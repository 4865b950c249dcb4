"""Dispatchers of real processes, for tests."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bluegrid_server.front.dispatcher import Dispatcher
from bluegrid_server.processes import fork_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from bluegrid_server.settings import Settings

_PATIENCE = 180


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(_PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Dispatcher]:
    dispatcher = Dispatcher(settings, fork_server.start(settings, after_preflight=True))
    dispatcher.supervisor.start()
    try:
        await until(lambda: dispatcher.reason is None or dispatcher.supervisor.broken.done())
        yield dispatcher
    finally:
        await dispatcher.supervisor.close()
