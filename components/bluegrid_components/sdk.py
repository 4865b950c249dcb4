"""What makes Pulumi's SDK for Python quicker where a stack has thousands of resources."""

from __future__ import annotations

import gc
import os

import pulumi

_ALLOCATIONS = 100_000
"""More objects than were freed, between two garbage collections: nearly all of the SDK's live to the end."""


def tune_sdk() -> None:
    """Spare the program what the SDK does for nobody: together a quarter of a preview's time (ADR 21).

    What it says for `pulumi --debug` is sent as long as BLUEGRID_DEBUG is set.
    """
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, 50, 50)
    if "BLUEGRID_DEBUG" not in os.environ:
        # Each of these messages is a call to the engine that all else waits for (pulumi/pulumi#7292).
        pulumi.log.debug = lambda *_, **__: None
