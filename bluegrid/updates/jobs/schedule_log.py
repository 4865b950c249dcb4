"""When the schedule of each set was last due; runs missed without a running server are queued as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid.updates.jobs.database import time_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from bluegrid.updates.jobs.database import Database


@dataclass(frozen=True)
class ScheduleLog:
    """The schedules of a database, by set."""

    database: Database

    def last_due(self, set_id: str, now: datetime) -> datetime:
        """Return when the set's schedule was last due; for a new schedule, note and return `now`."""
        with self.database.writing() as connection:
            connection.execute("insert or ignore into schedules values (?, ?)", (set_id, now.timestamp()))
            row = connection.execute("select due from schedules where set_id = ?", (set_id,)).fetchone()
            return time_of(row["due"])

    def note_due(self, set_id: str, due: datetime) -> None:
        """Note that the run due at this time is queued."""
        with self.database.writing() as connection:
            connection.execute("update schedules set due = ? where set_id = ?", (due.timestamp(), set_id))

    def forget(self, but: Collection[str]) -> None:
        """Delete the rows of all sets except `but`, which still have a schedule."""
        with self.database.reading() as connection:
            known = [row["set_id"] for row in connection.execute("select set_id from schedules")]
        if gone := [set_id for set_id in known if set_id not in but]:
            with self.database.writing() as connection:
                connection.executemany("delete from schedules where set_id = ?", [(name,) for name in gone])
