"""Imports without a package that they would import if it is installed, and do not need."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def hidden(package: str) -> Iterator[None]:
    """Let imports of a package fail, unless it is imported already."""
    if package in sys.modules:
        yield
        return
    # Python raises ImportError for a module that is None here.
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]
