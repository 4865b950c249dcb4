"""How a program runs, such as this project's `__main__.py`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pulumi

from bluegrid_components.checks.stack_outputs import StackOutputs
from bluegrid_components.sdk import tune_sdk
from bluegrid_registry.errors import BluegridError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def run(program: Callable[[], Mapping[str, object]]) -> None:
    """Run a Pulumi program; called once, by a project's `__main__.py`.

    Args:
        program: makes the resources, and returns the stack's outputs.

    Raises:
        RunError: the program is refused; Pulumi shows the message without a traceback.
    """
    tune_sdk()
    try:
        outputs = program()
    except BluegridError as error:
        # Pulumi writes the outputs of a program that is refused: what the last update left has to stay.
        StackOutputs()
        raise pulumi.RunError(str(error)) from None

    async def begun() -> Mapping[str, object]:
        # The SDK looks for registrations once. If none has begun, it waits for all outputs of all resources
        # again whenever one is there: a time that grows with the square of their number.
        await asyncio.sleep(0)
        return outputs

    pulumi.run(begun)
