"""Lets other services finish after one has failed, in an update that continues on errors.

A program that ends with an error registers no more resources. So a failed service ends the program only after
the other services have finished or failed. Pulumi deletes nothing after a program that has failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class OtherServices:
    """The services of a program, which a failed service waits for; one instance in a program."""

    def __init__(self) -> None:
        self._settled: list[Callable[[], Awaitable[None]]] = []

    def expect(self, settled: Callable[[], Awaitable[None]]) -> None:
        """Add a function that waits until a service has finished or failed."""
        self._settled.append(settled)

    async def wait(self) -> None:
        """Wait for all services."""
        for settled in self._settled:
            await settled()
