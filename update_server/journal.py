"""The journal: every update and every act, in SQLite, so that a killed server goes on where it was.

Any server of the same machine may add to it; the one that holds its turn works the updates off, and whoever
gets the turn next goes on with what it finds begun. Acts are only ever added.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import sqlite3
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from update_server.errors import Refused, not_found
from update_server.updates import Progress, Result, RollingOut, State, Update, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

BUSY_SECONDS = 20.0
"""For which a write waits for those of other servers."""

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
create index if not exists updates_open on updates (state) where state in ('queued', 'running');
create table if not exists schedules (set_id text primary key, due real not null);
create table if not exists acts (
    id integer primary key autoincrement,
    time real not null,
    author text not null,
    act text not null,
    update_id integer,
    detail text not null
);
create trigger if not exists acts_stay before delete on acts begin select raise(abort, 'acts stay'); end;
create trigger if not exists acts_are before update on acts begin select raise(abort, 'acts stay'); end;
"""


class Journal:
    """The journal in one file; servers on the same machine may share it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with self._open() as database:
            database.execute("pragma journal_mode = wal")
            database.executescript(_SCHEMA)

    def add(self, set_id: str, wanted: Wanted, author: str, key: str | None) -> Update:
        """Note an update; the same key of the same author always means the same update.

        Raises:
            Refused: the key was used for another request.
        """
        text = wanted.model_dump_json()
        fingerprint = hashlib.sha256(f"{set_id}\n{text}".encode()).hexdigest()
        with self._open() as database, _transaction(database):
            known = database.execute(
                "select * from updates where author = ? and key = ?", (author, key)
            ).fetchone()
            if known is not None:
                if known["fingerprint"] != fingerprint:
                    message = f"Idempotency-Key {key} was used for another request, update {known['id']}"
                    raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"{message}; choose a new one")
                return _update(known)
            row = database.execute(
                "insert into updates (set_id, wanted, author, key, fingerprint, version, created)"
                " values (?, ?, ?, ?, ?, ?, ?) returning *",
                (set_id, text, author, key, fingerprint, wanted.version, time.time()),
            ).fetchone()
            _note(database, author, "requested", row["id"], {"set": set_id, "wanted": json.loads(text)})
            return _update(row)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Hold the turn to work updates off, if nobody else does; it ends with the process at the latest."""
        with self._file.with_suffix(".turn").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def begin(self) -> Update | None:
        """Return the oldest update that has not ended, to be worked off by whoever has the turn.

        It may have been begun before, by a server that was killed.
        """
        with self._open() as database, _transaction(database):
            row = database.execute(
                "select * from updates where state in ('queued', 'running') order by id limit 1"
            ).fetchone()
            if row is None:
                return None
            update = _update(row)
            act = "started" if update.state is State.QUEUED else "resumed"
            _note(database, update.author, act, update.id, {})
            return _changed(database, update.id, state=State.RUNNING.value)

    def choose(self, update: int, version: str) -> None:
        """Note which version it will be, before anything is sent."""
        self._change(update, version=version)

    def tell(self, update: int, progress: Progress) -> None:
        """Note how far it is."""
        self._change(update, progress=progress.model_dump_json())

    def publish(self, update: Update, result: Result) -> None:
        """Note that the version is there: what is left is to roll it out."""
        with self._open() as database, _transaction(database):
            _changed(database, update.id, result=result.model_dump_json())
            _note(database, update.author, "published", update.id, result.model_dump())

    def roll_out(self, update: Update, rollout: RollingOut) -> None:
        """Note how far it is on its way online; a new step is an act."""
        with self._open() as database, _transaction(database):
            before = _update(_one(database, update.id)).rollout
            _changed(database, update.id, rollout=rollout.model_dump_json())
            if before is None or before.step != rollout.step:
                _note(database, update.author, "rollout", update.id, rollout.model_dump(mode="json"))

    def clusters_of(self, set_id: str) -> frozenset[str]:
        """Return the clusters that rollouts of a set have made, now and before."""
        with self._open() as database:
            rows = database.execute(
                "select * from updates where set_id = ? and rollout is not null", (set_id,)
            )
            rollouts = [_update(row).rollout for row in rows]
        return frozenset(each.cluster for each in rollouts if each is not None and each.cluster is not None)

    def end(
        self, update: Update, state: State, result: Result | None = None, error: str | None = None
    ) -> None:
        """Note how it ended, as its last act."""
        found = {"result": result.model_dump_json()} if result else {}
        with self._open() as database, _transaction(database):
            _changed(database, update.id, state=state.value, ended=time.time(), error=error, **found)
            detail = {"result": result.model_dump() if result else None, "error": error}
            _note(database, update.author, state.value, update.id, detail)

    def cancel(self, update: int, author: str) -> Update:
        """Ask for an update to be cancelled: at once where it waits, else before it becomes visible.

        Raises:
            Refused: there is none with this ID, or it has ended.
        """
        with self._open() as database, _transaction(database):
            found = _update(_one(database, update))
            if found.state.ended:
                raise Refused(HTTPStatus.CONFLICT, f"update {update} has ended: {found.state}")
            _note(database, author, "cancel", update, {})
            if found.state is State.RUNNING:
                return _changed(database, update, cancel=True)
            return _changed(database, update, cancel=True, state=State.CANCELLED.value, ended=time.time())

    def get(self, update: int) -> Update:
        """Return an update, or raise Refused."""
        with self._open() as database:
            return _update(_one(database, update))

    def list(self, set_id: str | None, state: State | None, limit: int) -> Sequence[Update]:
        """Return the newest updates first, of one set and in one state if they are named."""
        with self._open() as database:
            rows = database.execute(
                "select * from updates where (?1 is null or set_id = ?1) and (?2 is null or state = ?2)"
                " order by id desc limit ?3",
                (set_id, state.value if state else None, limit),
            )
            return [_update(row) for row in rows]

    def uploads_wanted(self) -> frozenset[str]:
        """Return the digests of uploads that updates still need."""
        with self._open() as database:
            rows = database.execute("select * from updates where state in ('queued', 'running')")
            return frozenset().union(*(_update(row).wanted.uploads for row in rows))

    def has_open(self, set_id: str, author: str) -> bool:
        """Whether somebody has an update of the set that has not ended."""
        with self._open() as database:
            found = database.execute(
                "select 1 from updates where set_id = ? and author = ? and state in ('queued', 'running')",
                (set_id, author),
            )
            return found.fetchone() is not None

    def last_due(self, set_id: str, now: datetime) -> datetime:
        """Return when the set's schedule was due last; now, if it is seen for the first time."""
        with self._open() as database, _transaction(database):
            database.execute("insert or ignore into schedules values (?, ?)", (set_id, now.timestamp()))
            row = database.execute("select due from schedules where set_id = ?", (set_id,)).fetchone()
            return _time(row["due"])

    def note_due(self, set_id: str, due: datetime) -> None:
        """Note that what was due then has been asked for."""
        with self._open() as database:
            database.execute("update schedules set due = ? where set_id = ?", (due.timestamp(), set_id))

    def acts(self, after: int, limit: int) -> Sequence[dict[str, Any]]:
        """Return the audit log from its beginning, or from behind an act that is known already."""
        with self._open() as database:
            rows = database.execute("select * from acts where id > ? order by id limit ?", (after, limit))
            return [
                dict(row) | {"time": _time(row["time"]), "detail": json.loads(row["detail"])} for row in rows
            ]

    def _change(self, update: int, **values: Any) -> None:
        with self._open() as database, _transaction(database):
            _changed(database, update, **values)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file, timeout=BUSY_SECONDS, isolation_level=None)) as database:
            database.row_factory = sqlite3.Row
            # What was answered must be there after a power cut.
            database.execute("pragma synchronous = full")
            yield database


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing, and nobody else writes in between."""
    database.execute("begin immediate")
    try:
        yield
    except BaseException:
        database.execute("rollback")
        raise
    database.execute("commit")


def _changed(database: sqlite3.Connection, update: int, **values: Any) -> Update:
    columns = ", ".join(f"{name} = ?" for name in values)
    command = f"update updates set {columns} where id = ? returning *"  # noqa: S608 - names of ours
    return _update(database.execute(command, (*values.values(), update)).fetchone())


def _note(database: sqlite3.Connection, author: str, act: str, update: int | None, detail: object) -> None:
    database.execute(
        "insert into acts (time, author, act, update_id, detail) values (?, ?, ?, ?, ?)",
        (time.time(), author, act, update, json.dumps(detail)),
    )


def _one(database: sqlite3.Connection, update: int) -> sqlite3.Row:
    row: sqlite3.Row | None = database.execute("select * from updates where id = ?", (update,)).fetchone()
    if row is None:
        raise not_found(f"no update {update}; `GET /updates` lists them")
    return row


def _update(row: sqlite3.Row) -> Update:
    return Update(
        id=row["id"],
        set=row["set_id"],
        wanted=Wanted.model_validate_json(row["wanted"]),
        author=row["author"],
        state=State(row["state"]),
        version=row["version"],
        created=_time(row["created"]),
        ended=None if row["ended"] is None else _time(row["ended"]),
        cancel=bool(row["cancel"]),
        progress=Progress.model_validate_json(row["progress"]) if row["progress"] else None,
        result=Result.model_validate_json(row["result"]) if row["result"] else None,
        rollout=RollingOut.model_validate_json(row["rollout"]) if row["rollout"] else None,
        error=row["error"],
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
