"""Makes Pulumi's Python SDK faster for stacks with thousands of resources."""

from __future__ import annotations

import gc
import os

import pulumi

_ALLOCATIONS = 100_000
"""Net allocations between two garbage collections: nearly all objects of the SDK live to the end."""


def tune_sdk() -> None:
    """Switch off unused work of the SDK: together a quarter of a preview's time (ADR 21).

    With BLUEGRID_DEBUG set, the SDK still sends its messages for `pulumi --debug`.
    """
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, 50, 50)
    if "BLUEGRID_DEBUG" not in os.environ:
        # Each of these messages is a call to the engine that blocks everything else (pulumi/pulumi#7292).
        pulumi.log.debug = lambda *_, **__: None
