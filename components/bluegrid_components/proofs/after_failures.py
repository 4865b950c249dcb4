"""What other services still have to do after one has failed, in an update that continues on errors.

A program that ends with an error does not register what is left. So a service that has failed ends the
program only after the others have come as far as they can. Pulumi deletes nothing after a program that has
failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Others:
    """The services of a program; one in a program."""

    def __init__(self) -> None:
        self._settled: list[Callable[[], Awaitable[None]]] = []

    def expect(self, settled: Callable[[], Awaitable[None]]) -> None:
        """Add a function that waits until a service has come as far as it can."""
        self._settled.append(settled)

    async def wait(self) -> None:
        """Wait for all of them."""
        for settled in self._settled:
            await settled()
