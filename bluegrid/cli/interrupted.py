"""Signals that end a command in the same way as Ctrl-C, so that it leaves nothing."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
"""From a service manager, and from a terminal that is closed."""


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt in the block on each of the signals."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
