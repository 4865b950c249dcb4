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


def test_lists_of_one_set_or_service_do_not_read_those_of_all_others(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "journal.sqlite")
    plans = []
    with database.reading() as connection:
        for table, column in (("updates", "set_id"), ("switches", "service")):
            query = f"explain query plan select * from {table} where {column} = 'a' order by id desc limit 3"
            plans.append(connection.execute(query).fetchall()[0]["detail"])
    assert plans == [
        "SEARCH updates USING INDEX updates_of_set (set_id=?)",
        "SEARCH switches USING INDEX switches_of_service (service=?)",
    ]


def test_a_list_of_one_set_has_its_updates_alone(tmp_path: Path) -> None:
    queue = UpdateQueue(Database.open(tmp_path / "journal.sqlite"))
    for set_id in ("g1", "g2", "g1"):
        queue.add(set_id, UpdateRequest(path="models"), "training", None)
    assert [update.id for update in queue.list("g1", None, 10)] == [3, 1]
    assert [update.id for update in queue.list("g1", None, 10, before=3)] == [1]
    assert [update.id for update in queue.list(None, None, 10)] == [3, 2, 1]
    assert list(queue.list("g3", None, 10)) == []
