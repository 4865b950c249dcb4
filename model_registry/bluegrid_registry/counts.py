"""Numbers with their nouns, for messages."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """Return a number and a noun, such as `1 model` or `2 models`; the noun's plural must end in s."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
