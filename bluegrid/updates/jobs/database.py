"""The database of the server, one SQLite file; servers on the same machine may share it.

updates, switches    the queues
schedules            when each schedule was last due
bad_versions         marks of bad versions
acts                 the audit log: triggers refuse every change of a row
"""

from __future__ import annotations

import fcntl
import sqlite3
import weakref
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

BUSY_SECONDS = 20.0
"""How long a write waits for another server's transaction, in seconds."""

_SCHEMA = """
create table if not exists updates (
    id integer primary key autoincrement,
    set_id text not null,
    wanted text not null,
    author text not null,
    key text,
    fingerprint text not null,
    state text not null default 'queued',
    version text,
    created real not null,
    ended real,
    cancel integer not null default 0,
    progress text,
    result text,
    rollout text,
    error text,
    unique (author, key)
);
drop index if exists updates_open;
create index if not exists updates_not_ended on updates (state)
    where state in ('queued', 'running', 'waiting', 'not back');
create index if not exists updates_of_set on updates (set_id);
create table if not exists switches (
    id integer primary key autoincrement,
    set_id text not null,
    service text not null,
    cluster text not null,
    regions text not null,
    author text not null,
    state text not null default 'queued',
    step text,
    before text not null default '{}',
    created real not null,
    ended real,
    error text
);
drop index if exists switches_open;
create index if not exists switches_not_ended on switches (state)
    where state in ('queued', 'running', 'not back');
create index if not exists switches_of_service on switches (service);
create table if not exists schedules (set_id text primary key, due real not null);
create table if not exists bad_versions (
    set_id text not null,
    version text not null,
    author text not null,
    why text not null,
    time real not null,
    primary key (set_id, version)
);
create table if not exists acts (
    id integer primary key autoincrement,
    time real not null,
    author text not null,
    act text not null,
    update_id integer,
    detail text not null
);
create trigger if not exists acts_stay before delete on acts begin select raise(abort, 'acts stay'); end;
"""

_ACTS_ARE = """
create trigger if not exists acts_are before update on acts begin select raise(abort, 'acts stay'); end
"""

_FORMAT = 1
"""`user_version` of a database whose states have the current names."""

_VIEWS = """\
drop view if exists rolling_out;
drop view if exists open_updates;
drop view if exists open_switches;
create view open_updates as select * from updates where state in ('queued', 'running', 'waiting', 'not back');
create view rolling_out as select id, set_id, rollout from open_updates where rollout is not null;
create view open_switches as select * from switches where state in ('queued', 'running', 'not back');
"""

_ADDED = {
    "updates": {
        "tries": "integer not null default 0",
        "next_try": "real",
        "short": "text",
        "named": "integer",
        "to_train": "integer not null default 0",
        "handed_on": "integer not null default 0",
    },
    "switches": {
        "update_id": "integer",
        "is_way_back": "integer not null default 0",
        "back": "text",
        "tries": "integer not null default 0",
        "next_try": "real",
    },
}
"""Columns that databases of earlier releases lack."""


@dataclass(frozen=True)
class Database:
    """The database.

    Attributes:
        file: the SQLite file; the lock files are beside it.
    """

    file: Path
    _kept: sqlite3.Connection = field(init=False, repr=False, compare=False)

    @classmethod
    def open(cls, file: Path) -> Database:
        """Open a database; create the file, or upgrade the file of an earlier release, if necessary."""
        database = cls(file)
        # An open connection keeps the WAL files, so that other connections can read on a full disk.
        kept = sqlite3.connect(file, check_same_thread=False)
        object.__setattr__(database, "_kept", kept)
        # Python 3.13 warns of a connection that nobody closed.
        weakref.finalize(database, kept.close).atexit = False
        with database.reading() as connection:
            connection.execute("pragma journal_mode = wal")
            connection.executescript(f"begin immediate; {_SCHEMA}")
            for table, columns in _ADDED.items():
                known = {row["name"] for row in connection.execute(f"pragma table_info({table})")}
                for name, kind in columns.items():
                    if name not in known:
                        connection.execute(f"alter table {table} add column {name} {kind}")
            for statement in _VIEWS.split(";"):
                connection.execute(statement)
            _rename_states(connection)
            connection.execute(_ACTS_ARE)
            connection.execute("commit")
        database._kept.execute("select 1 from updates").fetchone()
        return database

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Connect for reading."""
        with closing(sqlite3.connect(self.file, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            # A job that was accepted must survive a power cut.
            connection.execute("pragma synchronous = full")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Connect for one transaction: committed at the end of the block, rolled back on an error."""
        with self.reading() as connection:
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")

    @contextmanager
    def try_lock(self, work: str) -> Iterator[bool]:
        """Try to lock a kind of work; the lock ends with the block, or with the process.

        Yields:
            whether the lock is held.
        """
        with self.file.with_suffix(f".{work}").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def _rename_states(connection: sqlite3.Connection) -> None:
    """Rename the state `went back` of earlier releases to the current `rolled_back`."""
    (version,) = connection.execute("pragma user_version").fetchone()
    if version >= _FORMAT:
        return
    connection.execute("update updates set state = 'rolled_back' where state = 'went back'")
    # Triggers of the audit log refuse changes, so the trigger is dropped for the rename and made again later.
    connection.execute("drop trigger if exists acts_are")
    connection.execute("update acts set act = 'rolled_back' where act = 'went back'")
    connection.execute(f"pragma user_version = {_FORMAT}")


def change_row(
    connection: sqlite3.Connection, table: str, row_id: int, values: Mapping[str, object]
) -> sqlite3.Row:
    """Change columns of a row, and return it."""
    columns = ", ".join(f"{name} = ?" for name in values)
    command = f"update {table} set {columns} where id = ? returning *"  # noqa: S608 - names of ours
    row: sqlite3.Row = connection.execute(command, (*values.values(), row_id)).fetchone()
    return row


def time_of(seconds: float) -> datetime:
    """Return the time of a column: seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
