"""The database, including databases of earlier releases."""

from __future__ import annotations

import gc
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from bluegrid.updates.jobs.audit_log import AuditAction, AuditLog
from bluegrid.updates.jobs.database import Database
from bluegrid.updates.jobs.update import UpdateState
from bluegrid.updates.jobs.update_queue import UpdateQueue

if TYPE_CHECKING:
    from pathlib import Path

EARLIER = """
create table updates (
    id integer primary key autoincrement, set_id text not null, wanted text not null, author text not null,
    key text, fingerprint text not null, state text not null default 'queued', version text,
    created real not null, ended real, cancel integer not null default 0, progress text, result text,
    rollout text, error text, unique (author, key)
);
create table acts (
    id integer primary key autoincrement, time real not null, author text not null, act text not null,
    update_id integer, detail text not null
);
create trigger acts_stay before delete on acts begin select raise(abort, 'acts stay'); end;
create trigger acts_are before update on acts begin select raise(abort, 'acts stay'); end;
insert into updates (set_id, wanted, author, fingerprint, state, version, created, ended)
    values ('g1', '{"base": "v1", "without": ["line-1"]}', 'training', '', 'went back', 'v2', 1.0, 2.0);
insert into updates (set_id, wanted, author, fingerprint, state, version, created, ended)
    values ('g1', '{"base": "v1", "without": ["line-1"]}', 'training', '', 'done', 'v3', 1.0, 2.0);
insert into acts (time, author, act, update_id, detail) values (1.0, 'training', 'requested', 1, '{}');
insert into acts (time, author, act, update_id, detail) values (2.0, 'training', 'went back', 1, '{}');
"""


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    file = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(EARLIER)
    return file


def test_an_update_that_went_back_under_an_earlier_release_is_rolled_back(earlier: Path) -> None:
    database = Database.open(earlier)
    queue = UpdateQueue(database)
    assert [update.state for update in queue.list(None, None, 10)] == [
        UpdateState.DONE,
        UpdateState.ROLLED_BACK,
    ]
    assert [update.id for update in queue.list("g1", UpdateState.ROLLED_BACK, 10)] == [1]
    events = AuditLog(database).events(0, 10)
    assert [event.act for event in events] == [AuditAction.REQUESTED, AuditAction.ROLLED_BACK]


@pytest.mark.parametrize("change", ["update acts set act = 'done'", "delete from acts"])
def test_nothing_changes_the_audit_log_also_of_an_earlier_release(earlier: Path, change: str) -> None:
    Database.open(earlier)
    with (
        Database.open(earlier).writing() as connection,
        pytest.raises(sqlite3.IntegrityError, match="acts stay"),
    ):
        connection.execute(change)


def test_an_event_of_a_newer_release_is_listed_as_it_is(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "journal.sqlite")
    with database.writing() as connection:
        connection.execute(
            "insert into acts (time, author, act, detail) values (1.0, 'anna', 'paused', '{}')"
        )
    assert [event.act for event in AuditLog(database).events(0, 10)] == ["paused"]


def test_a_database_that_nothing_uses_any_more_is_closed(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "journal.sqlite")
    kept = database._kept
    del database
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        kept.execute("select 1")
