"""Versions that nobody should make live again: marked by people, and by a rollback.

They are in the database, not in git: the mark is there at once, and a preview shows what is declared.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import AwareDatetime  # noqa: TC002 - pydantic reads it at run time

from bluegrid.updates.jobs.database import note_act, time_of
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Label  # noqa: TC001 - pydantic reads it at run time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bluegrid.updates.jobs.database import Database


class BadMark(Frozen):
    """Why a version should not be live, who says so, and since when."""

    why: str
    by: Label
    at: AwareDatetime


@dataclass(frozen=True)
class BadVersions:
    """The marks of a database."""

    database: Database

    def of(self, set_id: str) -> Mapping[str, BadMark]:
        """Return the marks of a set's versions."""
        with self.database.reading() as connection:
            rows = connection.execute("select * from bad_versions where set_id = ?", (set_id,)).fetchall()
        return {
            row["version"]: BadMark(why=row["why"], by=row["author"], at=time_of(row["time"])) for row in rows
        }

    def mark(self, set_id: str, version: str, author: str, why: str) -> BadMark:
        """Mark a version; a mark that is there already is replaced."""
        now = time.time()
        with self.database.writing() as connection:
            connection.execute(
                "insert or replace into bad_versions values (?, ?, ?, ?, ?)",
                (set_id, version, author, why, now),
            )
            note_act(connection, author, "marked bad", None, {"set": set_id, "version": version, "why": why})
        return BadMark(why=why, by=author, at=time_of(now))

    def clear(self, set_id: str, version: str, author: str) -> None:
        """Take a mark away, if there is one."""
        with self.database.writing() as connection:
            gone = connection.execute(
                "delete from bad_versions where set_id = ? and version = ?", (set_id, version)
            )
            if gone.rowcount:
                note_act(connection, author, "not bad", None, {"set": set_id, "version": version})
