"""A thread that works something off while it has the turn, and stays alive whatever becomes of that."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid.updates.jobs.database import Database

IDLE_SECONDS = 0.5
"""Between two tries to become the leader, and two checks for work that other servers have taken."""

log = structlog.get_logger()


class QueueWorker:
    """One kind of work, which one of the servers that share a database does.

    Args:
        name: of the work, for the log and the turn.
        database: says whose turn it is.
        work: does all that there is to do now, or begins it.
        finish: ends what was begun, before somebody else has the turn.
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
        """Begin."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it does anything."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """Look for work now."""
        self._wake.set()

    def stop(self) -> None:
        """End what is under way, as far as the work asks `is_stopping`, and nothing more."""
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
            # A full disk, a locked file: the next attempt may succeed, if this thread is still there.
            log.exception("work failed", work=self._name)
