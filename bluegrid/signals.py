"""Signals that end a command in the same way as Ctrl-C, so that it leaves nothing."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

INTERRUPTED = 130
"""Exit code of a program that Ctrl-C has ended, as shells have it."""
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
"""From a service manager or CI, and from a terminal that is closed."""


@contextmanager
def signals_interrupt(
    handler: Callable[[int, FrameType | None], object] = signal.default_int_handler,
) -> Iterator[None]:
    """Raise KeyboardInterrupt in the block on each signal, or call another handler; main thread only."""
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
