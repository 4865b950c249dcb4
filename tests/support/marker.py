"""What tests of guards let a model call in place of what would do harm: it leaves a file, and that is all."""

from __future__ import annotations

from pathlib import Path

NAME = f"{__name__}.mark"
"""How a model names the function."""


def mark(path: str) -> None:
    """Leave an empty file."""
    Path(path).touch()


class Marker:
    """Has the function as an attribute, to be named by a path."""

    mark = staticmethod(mark)
