"""The function that models call in tests of guards, instead of anything harmful: it only leaves a file."""

from __future__ import annotations

from pathlib import Path

NAME = f"{__name__}.mark"
"""The name of the function in a model."""


def mark(path: str) -> None:
    """Leave an empty file."""
    Path(path).touch()


class Marker:
    """Has the function as an attribute, so that a dotted path can name it."""

    mark = staticmethod(mark)
