"""How push and fetch tell what they have done; who shows it, and how, is the caller's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ProgressEvent:
    """How far a transfer is; sent after each pack, from the thread that called push or fetch."""

    models: int
    """Models that are done, of those that were given or wanted."""
    models_total: int | None
    """Models that were given or are wanted; None: they come as a stream, and nobody knows."""
    bytes: int
    """Bytes that went over the wire so far."""
    is_committed: bool = False
    """Whether the version exists now: of the last event of a push."""


Progress = Callable[[ProgressEvent], None]


def ignore(event: ProgressEvent) -> None:
    """Show nothing."""
