"""The progress of push and fetch, for callers that show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ProgressEvent:
    """The progress of a transfer; sent after each pack, from the thread that called push or fetch."""

    models: int
    """Models that are done, of those that were given or are wanted."""
    models_total: int | None
    """Models that were given or are wanted; None: they are streamed, and the number is not known."""
    bytes: int
    """Bytes that went over the wire so far."""
    is_committed: bool = False
    """Whether the version exists now; True in the last event of a push only."""


Progress = Callable[[ProgressEvent], None]


def ignore(event: ProgressEvent) -> None:
    """Show nothing."""
