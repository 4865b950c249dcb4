"""Numbers with their nouns, for messages, and shares of numbers."""

from __future__ import annotations

import math


def counted(count: int, noun: str) -> str:
    """Return a number and a noun, such as `1 model` or `2 models`; the noun's plural must end in s."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def share_of(fraction: float, count: int) -> int:
    """Return how many of `count` a fraction is at most."""
    # Rounded before it is cut: as floats, 0.29 of 100 is a bit less than 29.
    return math.floor(round(fraction * count, 6))
