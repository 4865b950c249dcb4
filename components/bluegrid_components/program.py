"""Runs a Pulumi program, such as this project's `__main__.py`."""

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
    """Run a Pulumi program; call once, from a project's `__main__.py`.

    Args:
        program: function that makes the resources and returns the stack's outputs.

    Raises:
        RunError: the program is refused; Pulumi shows the message without a traceback.
    """
    tune_sdk()
    try:
        outputs = program()
    except BluegridError as error:
        # Pulumi also writes the outputs of a refused program: keep those of the last update.
        StackOutputs()
        raise pulumi.RunError(str(error)) from None

    async def outputs_after_start() -> Mapping[str, object]:
        # The SDK checks for registrations once. If none has started, it waits again for all outputs of all
        # resources whenever an output is there: time that grows with the square of their number.
        await asyncio.sleep(0)
        return outputs

    pulumi.run(outputs_after_start)
