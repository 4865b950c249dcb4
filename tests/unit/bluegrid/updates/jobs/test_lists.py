"""Lists from the database of an earlier release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid.updates.jobs.audit_log import AuditAction, AuditLog, note_event
from bluegrid.updates.jobs.database import Database
from bluegrid.updates.jobs.update import UpdateRequest
from bluegrid.updates.jobs.update_queue import UpdateQueue

if TYPE_CHECKING:
    from pathlib import Path


def test_events_and_updates_of_an_earlier_release_are_listed_in_short_too(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "journal.sqlite")
    queue = UpdateQueue(database)
    wanted = UpdateRequest(models={f"line-{number}": f"sha256:{number:064x}" for number in range(200)})
    queue.add("g1", wanted, "training", None)
    with database.writing() as connection:
        connection.execute("update updates set short = null, named = null")
        detail = {"set": "g1", "wanted": wanted.model_dump(mode="json")}
        note_event(connection, "training", AuditAction.REQUESTED, 1, detail)
    (update,) = queue.list(None, None, 10)
    assert (len(update.wanted.models), update.named_models) == (10, 200)
    assert queue.get(1).wanted == wanted
    events = AuditLog(database).events(0, 10)
    assert len(events) == 2
    for event in events:
        assert (len(event.detail["wanted"]["models"]), event.detail["named_models"]) == (10, 200)
