"""A thread that processes a queue while it holds the lock, and survives every failure of the work."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid.updates.jobs.database import Database

IDLE_SECONDS = 0.5
"""Seconds between two attempts to get the lock, and between two checks for work of other servers."""

log = structlog.get_logger()


class QueueWorker:
    """One kind of work, done by only one of the servers that share a database.

    Args:
        name: the kind of work, for the log and the lock.
        database: has the lock.
        work: does or starts all pending work.
        finish: waits for the started work, before the lock is released.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        work: Callable[[], None],
        finish: Callable[[], None] = lambda: None,
    ) -> None:
        self._name, self._database, self._work, self._finish = name, database, work, finish
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)
        self.is_stopping = False

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """Check for work now."""
        self._wake.set()

    def stop(self) -> None:
        """Stop the thread, and wait for its end: work under way ends where it checks `is_stopping`."""
        self.is_stopping = True
        self.wake()
        self._thread.join()

    def _run(self) -> None:
        while not self.is_stopping:
            with self._database.try_lock(self._name) as ours:
                while ours and not self.is_stopping:
                    self._wake.clear()
                    self._work_once()
                    self._wake.wait(IDLE_SECONDS)
                if ours:
                    self._finish()
            self._wake.wait(IDLE_SECONDS)

    def _work_once(self) -> None:
        try:
            self._work()
        except Exception:
            # Such as a full disk or a locked file: the thread goes on, since the next attempt may succeed.
            log.exception("work failed", work=self._name)
