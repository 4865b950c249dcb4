"""Cached files that bluegrid makes or downloads, outside of projects and checkouts."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def root() -> Path:
    """Return the folder of all caches: ${XDG_CACHE_HOME:-~/.cache}/bluegrid."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bluegrid"


@contextmanager
def locked(file: Path, waiting: Callable[[], None]) -> Iterator[int]:
    """Hold a lock, so that two processes do not build the same thing at once.

    Args:
        file: the lock; made if it is missing, its folder too.
        waiting: called once if another process holds the lock.

    Yields:
        The lock's descriptor. A program that inherits it keeps the lock when this process is killed, so that
        the next process waits for that program instead of competing with it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()
