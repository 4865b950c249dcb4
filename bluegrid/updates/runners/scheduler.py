"""Sets are trained anew when their schedule says so: one update a time, also for all that was missed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from bluegrid.updates.jobs.update import SCHEDULE, UpdateRequest

if TYPE_CHECKING:
    from bluegrid.updates.jobs.update_queue import UpdateQueue
    from bluegrid.updates.registry.source import RegistrySource
    from bluegrid_registry import RegistryFile
    from bluegrid_registry.registry_files.update_policy import Schedule

log = structlog.get_logger()


@dataclass(frozen=True)
class Scheduler:
    """Queues updates by the clock."""

    queue: UpdateQueue
    source: RegistrySource

    def queue_due(self, now: datetime) -> None:
        """Queue an update of each set whose schedule is due.

        Raises:
            BluegridError: the registry cannot be read.
        """
        with self.source.known():
            files = self.source.valid().registry.files
        scheduled = {file.set.id: file for file in files if file.set.update and file.set.update.schedule}
        # One that comes back has missed nothing.
        self.queue.forget_schedules(but=scheduled)
        for file in scheduled.values():
            if file.set.update is not None and file.set.update.schedule is not None:
                self._queue_if_due(file, file.set.update.schedule, now)

    def next_run(self, file: RegistryFile, now: datetime) -> datetime | None:
        """Return when a set is trained next by the clock; None: it has no schedule."""
        if file.set.update is None or file.set.update.schedule is None:
            return None
        schedule, set_id = file.set.update.schedule, file.set.id
        last = min(self.queue.last_due(set_id, now), now)
        time = next(iter(schedule.times_after(last)))
        return max(time + _jitter(schedule, set_id, time), now)

    def _queue_if_due(self, file: RegistryFile, schedule: Schedule, now: datetime) -> None:
        set_id = file.set.id
        # A new schedule has missed nothing.
        last = self.queue.last_due(set_id, now)
        if last > now:
            # It was noted by a clock that was ahead.
            self.queue.note_due(set_id, now)
            last = now
        due = None
        for time in schedule.times_after(last):
            if time + _jitter(schedule, set_id, time) > now:
                break
            due = time
        # One of a set at a time; what is due meanwhile comes after it, once.
        if due is None or self.queue.has_open(set_id, SCHEDULE):
            return
        wanted = UpdateRequest(base=file.versions[-1].id if file.versions else None, train={})
        update = self.queue.add(set_id, wanted, SCHEDULE, f"{set_id} {due.isoformat()}")
        self.queue.note_due(set_id, due)
        log.info("update is due", set=set_id, due=due.isoformat(), update=update.id)


def _jitter(schedule: Schedule, set_id: str, time: datetime) -> timedelta:
    """How much later a set begins: the same whenever it is asked."""
    digest = hashlib.sha256(f"{set_id} {time.isoformat()}".encode()).digest()
    share = int.from_bytes(digest[:8]) / 2**64
    return timedelta(seconds=schedule.jitter_seconds * share)
