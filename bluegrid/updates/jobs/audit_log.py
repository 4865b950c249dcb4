"""The audit log: who requested what, when, and the result. Events are only ever added."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping  # noqa: TC003 - pydantic reads it at run time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import AwareDatetime  # noqa: TC002 - pydantic reads it at run time

from bluegrid.updates.jobs.database import time_of
from bluegrid.updates.jobs.update import in_short, named_models
from bluegrid.updates.jobs.vocabulary import Vocabulary
from bluegrid_registry.frozen import Frozen

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from bluegrid.updates.jobs.database import Database


class AuditAction(Vocabulary):
    """Actions on an update, a switch or the mark of a version."""

    REQUESTED = "requested"
    """Somebody, or the schedule, requested an update."""
    STARTED = "started"
    RESUMED = "resumed"
    """A server resumes an update that a killed server had started."""
    WAITING = "waiting"
    """Something that the update needs does not answer."""
    PUBLISHED = "published"
    """The version is in the store and in the registry."""
    ROLLOUT = "rollout"
    """The rollout has come to its next step."""
    CANCEL = "cancel"
    """Somebody requested that the update be cancelled."""
    RETRY = "retry"
    """Somebody requested another try."""
    DONE = "done"
    FAILED = "failed"
    NOT_BACK = "not back"
    """The rollout failed, and its version is still live somewhere."""
    ROLLED_BACK = "rolled_back"
    HELD_BACK = "held_back"
    """The version stays on standby, since its quality is too low."""
    CANCELLED = "cancelled"
    SWITCH = "switch"
    """Somebody requested a switch."""
    SWITCHED = "switched"
    SWITCH_NOT_BACK = "switch not back"
    """The switch failed, and its cluster is still live somewhere."""
    SWITCH_FAILED = "switch failed"
    MARKED_BAD = "marked bad"
    """A version should not be live any more."""
    NOT_BAD = "not bad"
    """The mark of a version was removed."""


class AuditEvent(Frozen):
    """One line of the audit log."""

    id: int
    time: AwareDatetime
    author: str
    """The name of the token, or `schedule`."""
    act: AuditAction | str
    """The action. A word that `AuditAction` lacks is from a newer release."""
    update_id: int | None
    """The update; None: the event is about a switch or a mark."""
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class AuditLog:
    """The audit log of a database."""

    database: Database

    def events(
        self, after: int, limit: int, *, newest: bool = False, before: int | None = None
    ) -> Sequence[AuditEvent]:
        """Return events, oldest or newest first.

        Args:
            after: the ID of an event; only events with greater IDs are returned.
            limit: the largest number of events to return.
            newest: whether to return the newest event first.
            before: the ID of an event; only events with smaller IDs are returned.
        """
        order = "desc" if newest else "asc"
        command = (
            "select * from acts where id > :after and (:before is null or id < :before)"  # noqa: S608
            f" order by id {order} limit :limit"
        )
        values = {"after": after, "before": before, "limit": limit}
        with self.database.reading() as connection:
            return [_event(row) for row in connection.execute(command, values)]


def note_event(
    connection: sqlite3.Connection,
    author: str,
    action: AuditAction,
    update: int | None,
    detail: Mapping[str, object],
) -> None:
    """Add an event, in the transaction of the action."""
    connection.execute(
        "insert into acts (time, author, act, update_id, detail) values (?, ?, ?, ?, ?)",
        (time.time(), author, action, update, json.dumps(detail)),
    )


def _event(row: sqlite3.Row) -> AuditEvent:
    return AuditEvent(
        id=row["id"],
        time=time_of(row["time"]),
        author=row["author"],
        act=row["act"],
        update_id=row["update_id"],
        detail=_detail(row["detail"]),
    )


def _detail(text: str) -> dict[str, Any]:
    detail: dict[str, Any] = json.loads(text)
    if "wanted" not in detail or "named_models" in detail:
        return detail
    # Earlier releases recorded all the models.
    request = detail["wanted"]
    return {**detail, "wanted": in_short(request), "named_models": named_models(request)}
