"""Marks of bad versions, which must not be live again; people set marks, and so does every rollback.

Marks are in the database, not in git: a mark takes effect at once, and previews show only declared values.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import AwareDatetime  # noqa: TC002 - pydantic reads it at run time

from bluegrid.updates.jobs.audit_log import AuditAction, note_event
from bluegrid.updates.jobs.database import time_of
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Label  # noqa: TC001 - pydantic reads it at run time

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from bluegrid.updates.jobs.database import Database


class BadMark(Frozen):
    """The mark of a bad version."""

    why: str
    """Why the version should not be live."""
    by: Label
    """Who marked it."""
    at: AwareDatetime
    """Time of the mark."""


@dataclass(frozen=True)
class BadVersions:
    """The marks of a database."""

    database: Database

    def of(self, set_id: str) -> Mapping[str, BadMark]:
        """Return the marks of a set's versions."""
        with self.database.reading() as connection:
            rows = connection.execute("select * from bad_versions where set_id = ?", (set_id,)).fetchall()
        return {row["version"]: _mark(row) for row in rows}

    def by_set(self) -> Mapping[str, Mapping[str, BadMark]]:
        """Return the marks of all sets' versions, by set; a set without marks is left out."""
        with self.database.reading() as connection:
            rows = connection.execute("select * from bad_versions").fetchall()
        marks: dict[str, dict[str, BadMark]] = defaultdict(dict)
        for row in rows:
            marks[row["set_id"]][row["version"]] = _mark(row)
        return dict(marks)

    def mark(self, set_id: str, version: str, author: str, why: str) -> BadMark:
        """Mark a version; replace an earlier mark."""
        now = time.time()
        with self.database.writing() as connection:
            connection.execute(
                "insert or replace into bad_versions values (?, ?, ?, ?, ?)",
                (set_id, version, author, why, now),
            )
            detail = {"set": set_id, "version": version, "why": why}
            note_event(connection, author, AuditAction.MARKED_BAD, None, detail)
        return BadMark(why=why, by=author, at=time_of(now))

    def clear(self, set_id: str, version: str, author: str) -> None:
        """Remove the mark of a version, if there is one."""
        with self.database.writing() as connection:
            deleted = connection.execute(
                "delete from bad_versions where set_id = ? and version = ?", (set_id, version)
            )
            if deleted.rowcount:
                note_event(connection, author, AuditAction.NOT_BAD, None, {"set": set_id, "version": version})


def _mark(row: sqlite3.Row) -> BadMark:
    return BadMark(why=row["why"], by=row["author"], at=time_of(row["time"]))
