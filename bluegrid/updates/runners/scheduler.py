"""Queues updates on the schedules of sets: one at a time for each set, and one for all missed runs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from bluegrid.updates.jobs.schedule_log import ScheduleLog
from bluegrid.updates.jobs.update import SCHEDULE, UpdateRequest

if TYPE_CHECKING:
    from bluegrid.updates.jobs.update_queue import UpdateQueue
    from bluegrid.updates.registry_source.source import RegistrySource
    from bluegrid_registry import RegistryFile
    from bluegrid_registry.registry_files.update_policy import Schedule

log = structlog.get_logger()


@dataclass(frozen=True)
class Scheduler:
    """Queues updates on the schedules of their sets."""

    queue: UpdateQueue
    source: RegistrySource

    @property
    def _log(self) -> ScheduleLog:
        return ScheduleLog(self.queue.database)

    def queue_due(self, now: datetime) -> None:
        """Queue an update for each set that is due.

        Raises:
            BluegridError: the registry cannot be read.
        """
        with self.source.known():
            files = self.source.valid().registry.files
        scheduled = {file.set.id: file for file in files if file.set.update and file.set.update.schedule}
        # A schedule that is declared again later has no missed runs.
        self._log.forget(but=scheduled)
        for file in scheduled.values():
            if file.set.update is not None and file.set.update.schedule is not None:
                self._queue_if_due(file, file.set.update.schedule, now)

    def next_run(self, file: RegistryFile, now: datetime) -> datetime | None:
        """Return when a set is trained next; None: the set has no schedule."""
        if file.set.update is None or file.set.update.schedule is None:
            return None
        schedule, set_id = file.set.update.schedule, file.set.id
        last = min(self._log.last_due(set_id, now), now)
        time = next(iter(schedule.times_after(last)))
        return max(time + _jitter(schedule, set_id, time), now)

    def _queue_if_due(self, file: RegistryFile, schedule: Schedule, now: datetime) -> None:
        set_id = file.set.id
        # A new schedule has no missed runs.
        last = self._log.last_due(set_id, now)
        if last > now:
            # The time was written with a clock that was ahead.
            self._log.note_due(set_id, now)
            last = now
        due = None
        for time in schedule.times_after(last):
            if time + _jitter(schedule, set_id, time) > now:
                break
            due = time
        # One scheduled update of a set at a time: runs that become due meanwhile are queued as one later.
        if due is None or self.queue.has_open(set_id, SCHEDULE):
            return
        request = UpdateRequest(base=file.versions[-1].id if file.versions else None, train={})
        update = self.queue.add(set_id, request, SCHEDULE, f"{set_id} {due.isoformat()}")
        self._log.note_due(set_id, due)
        log.info("update is due", set=set_id, due=due.isoformat(), update=update.id)


def _jitter(schedule: Schedule, set_id: str, time: datetime) -> timedelta:
    """Return the delay of a run: always the same for the same set and time."""
    digest = hashlib.sha256(f"{set_id} {time.isoformat()}".encode()).digest()
    share = int.from_bytes(digest[:8]) / 2**64
    return timedelta(seconds=schedule.jitter_seconds * share)
