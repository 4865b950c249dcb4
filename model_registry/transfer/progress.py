"""How push and fetch tell what they have done; who shows it, and how, is the caller's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ProgressEvent:
    """How far a transfer is; sent after each pack, from the thread that called push or fetch."""

    models: int
    """Models that are done."""
    models_total: int
    """Models of the whole version."""
    bytes: int
    """Bytes that went over the wire so far."""


Progress = Callable[[ProgressEvent], None]


def ignore(event: ProgressEvent) -> None:
    """Show nothing."""
