"""The progress of push and fetch, for callers that show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ProgressEvent:
    """The progress of a transfer; sent after each pack, from the thread that called push or fetch."""

    models: int
    """Models that are pushed or fetched so far."""
    models_total: int | None
    """Models to push or fetch; None: models are streamed, and their number is not known."""
    bytes: int
    """Bytes that were transferred so far."""
    is_committed: bool = False
    """Whether the version exists now; True in the last event of a push only."""


Progress = Callable[[ProgressEvent], None]


def ignore(event: ProgressEvent) -> None:
    """Do nothing with the event."""
