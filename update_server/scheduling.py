"""Sets are trained anew when their schedule says so: one update a time, also for all that was missed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from update_server.updates import SCHEDULE, Wanted

if TYPE_CHECKING:
    from model_registry import RegistryFile
    from model_registry.registry_files.retraining import Schedule
    from update_server.journal import Journal
    from update_server.registry_source import RegistrySource

log = structlog.get_logger()


@dataclass(frozen=True)
class Scheduler:
    """What asks for updates by the clock."""

    journal: Journal
    source: RegistrySource

    def look(self, now: datetime) -> None:
        """Ask for what is due.

        Raises:
            BluegridError: the registry cannot be read.
        """
        with self.source.known():
            files = self.source.sound().registry.files
        for file in files:
            if file.set.update is not None and file.set.update.schedule is not None:
                self._look_at(file, file.set.update.schedule, now)

    def _look_at(self, file: RegistryFile, schedule: Schedule, now: datetime) -> None:
        set_id = file.set.id
        # A schedule that is seen for the first time has missed nothing.
        last = self.journal.last_due(set_id, now)
        due = None
        for time in schedule.times_after(last):
            if time + _jitter(schedule, set_id, time) > now:
                break
            due = time
        # One of a set at a time; what is due meanwhile comes after it, once.
        if due is None or self.journal.has_open(set_id, SCHEDULE):
            return
        wanted = Wanted(base=file.versions[-1].id if file.versions else None, train={})
        update = self.journal.add(set_id, wanted, SCHEDULE, f"{set_id} {due.isoformat()}")
        self.journal.note_due(set_id, due)
        log.info("update is due", set=set_id, due=due.isoformat(), update=update.id)


def _jitter(schedule: Schedule, set_id: str, time: datetime) -> timedelta:
    """How much later a set begins: the same whenever it is asked."""
    digest = hashlib.sha256(f"{set_id} {time.isoformat()}".encode()).digest()
    share = int.from_bytes(digest[:8]) / 2**64
    return timedelta(seconds=schedule.jitter_seconds * share)
