"""The journal of updates: each of them, and how far it is, so that a killed server goes on where it was.

Any server of the same machine may add to it; the one that holds its turn works the updates off, and whoever
gets the turn next goes on with what it finds begun.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bluegrid.updates.errors import ApiError, not_found
from bluegrid.updates.jobs.database import LONGEST_WAIT_SECONDS, change_row, note_act, time_of, wait_seconds
from bluegrid.updates.jobs.update import (
    Lane,
    RolloutStatus,
    Update,
    UpdateProgress,
    UpdateRequest,
    UpdateResult,
    UpdateState,
    in_short,
    named_models,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from bluegrid.updates.jobs.database import Database

_LISTED = (
    "id, set_id, coalesce(short, wanted) as wanted, named, author, state, version, created, ended, cancel,"
    " progress, result, rollout, tries, next_try, error"
)
"""What a list reads of an update: not the request with all its models, which takes up to 1 MB."""


_IN_LANE = {
    None: "true",
    Lane.TRAIN: "to_train and result is null",
    Lane.PUBLISH: "not to_train and result is null",
    Lane.ROLL_OUT: "result is not null and state != 'not back'",
    Lane.GO_BACK: "state = 'not back'",
}
"""The updates for which that is to be done next."""


@dataclass(frozen=True)
class UpdateQueue:
    """The updates of a database, and its audit log."""

    database: Database

    def add(self, set_id: str, wanted: UpdateRequest, author: str, key: str | None) -> Update:
        """Note an update; the same key of the same author always means the same update.

        Raises:
            ApiError: the key was used for another request.
        """
        text = wanted.model_dump_json()
        request = json.loads(text)
        short, named = in_short(request), named_models(request)
        # Of earlier releases, a request had no such word.
        same = wanted.model_dump_json(exclude=None if wanted.incompatible else {"incompatible"})
        fingerprint = hashlib.sha256(f"{set_id}\n{same}".encode()).hexdigest()
        with self.database.writing() as connection:
            known = connection.execute(
                "select * from updates where author = ? and key = ?", (author, key)
            ).fetchone()
            if known is not None:
                if known["fingerprint"] != fingerprint:
                    message = f"Idempotency-Key {key} was used for another request, update {known['id']}"
                    raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, f"{message}; choose a new one")
                return _update(known)
            row = connection.execute(
                "insert into updates"
                " (set_id, wanted, short, named, author, key, fingerprint, version, created, to_train)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning *",
                (
                    set_id,
                    text,
                    json.dumps(short),
                    named,
                    author,
                    key,
                    fingerprint,
                    wanted.version,
                    time.time(),
                    wanted.train is not None,
                ),
            ).fetchone()
            # All the models are in the update, which stays.
            detail = {"set": set_id, "wanted": short, "named_models": named}
            note_act(connection, author, "requested", row["id"], detail)
            return _update(row)

    def is_known(self, author: str, key: str | None) -> bool:
        """Whether somebody has used a key."""
        with self.database.reading() as connection:
            found = connection.execute("select 1 from updates where author = ? and key = ?", (author, key))
            return found.fetchone() is not None

    def list_open(self, set_id: str) -> Sequence[int]:
        """Return the updates of a set that have not ended."""
        with self.database.reading() as connection:
            rows = connection.execute("select id from open_updates where set_id = ?", (set_id,))
            return [row["id"] for row in rows]

    def begin(self, lane: Lane | None = None, but: Collection[int] = ()) -> Update | None:
        """Return the update that is next, to be worked off by whoever has the turn; None: there is none now.

        What is not back comes first, then what was begun by a server that was killed, then the oldest. Of a
        set, one comes after the other, also while the first one waits.

        Args:
            lane: what has to be done for it; None: anything.
            but: updates that are being worked on.
        """
        now = time.time()
        with self.database.writing() as connection:
            row = connection.execute(
                # A time far ahead is of a clock that was wrong.
                "select * from open_updates as this"  # noqa: S608 - words of ours
                " where (next_try is null or next_try not between ? and ?)"
                " and not exists (select 1 from open_updates where set_id = this.set_id and id < this.id)"
                " and id not in (select value from json_each(?))"
                f" and {_IN_LANE[lane]}"
                " order by state = 'not back' desc, state = 'running' desc, id limit 1",
                (now, now + LONGEST_WAIT_SECONDS, json.dumps([*but])),
            ).fetchone()
            if row is None:
                return None
            update = _update(row)
            if update.state in (UpdateState.QUEUED, UpdateState.RUNNING) and not row["handed_on"]:
                act = "started" if update.state is UpdateState.QUEUED else "resumed"
                note_act(connection, update.author, act, update.id, {})
            # One that is not back stays so until it is.
            state = update.state if update.state is UpdateState.NOT_BACK else UpdateState.RUNNING
            return _changed(connection, update.id, state=state.value, next_try=None, handed_on=False)

    def hand_on(self, update: Update) -> None:
        """Note that what had to be done is: the update waits for its turn in the next lane."""
        self._change(update.id, state=UpdateState.QUEUED.value, to_train=False, handed_on=True)

    def wait(self, update: Update, state: UpdateState, error: str) -> Update:
        """Note that it has to be tried again, and return it with the time; a new reason is an act."""
        with self.database.writing() as connection:
            before = _update(_one(connection, update.id))
            tries = before.tries + 1
            values = {"tries": tries, "next_try": time.time() + wait_seconds(tries), "error": error}
            if error != before.error:
                note_act(connection, update.author, state.value, update.id, {"error": error})
            return _changed(connection, update.id, state=state.value, **values)

    def retry(self, update: int, author: str) -> Update:
        """Have an update tried again now: one that waits, or one that failed before it had a version.

        Raises:
            ApiError: there is none with this ID, or nothing is left to be tried.
        """
        with self.database.writing() as connection:
            found = _update(_one(connection, update))
            is_failed = found.state is UpdateState.FAILED and found.result is None
            if not (is_failed or found.state in (UpdateState.WAITING, UpdateState.NOT_BACK)):
                fault = f"update {update} is {found.state}"
                raise ApiError(HTTPStatus.CONFLICT, f"{fault}; only what waits or failed is tried again")
            note_act(connection, author, "retry", update, {})
            state = UpdateState.QUEUED if is_failed else found.state
            values = {"next_try": None, "tries": 0, "ended": None, "error": None}
            if is_failed:
                # What was trained may be gone by now; where it is not, that is seen at once.
                values["to_train"] = found.wanted.train is not None
            return _changed(connection, update, state=state.value, **values)

    def choose(self, update: int, version: str) -> None:
        """Note which version it will be, before anything is sent."""
        self._change(update, version=version)

    def note_progress(self, update: int, progress: UpdateProgress) -> None:
        """Note how far an update is."""
        self._change(update, progress=progress.model_dump_json())

    def publish(self, update: Update, result: UpdateResult) -> None:
        """Note that the version is there: what is left is to roll it out."""
        with self.database.writing() as connection:
            _changed(connection, update.id, result=result.model_dump_json())
            note_act(connection, update.author, "published", update.id, result.model_dump())

    def roll_out(self, update: Update, rollout: RolloutStatus) -> None:
        """Note how far it is on its way online; a new step is an act."""
        with self.database.writing() as connection:
            before = _update(_one(connection, update.id)).rollout
            _changed(connection, update.id, rollout=rollout.model_dump_json())
            if before is None or before.step != rollout.step:
                note_act(connection, update.author, "rollout", update.id, rollout.model_dump(mode="json"))

    def clusters_of(self, set_id: str) -> frozenset[str]:
        """Return the clusters that rollouts of a set have made, now and before."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "select * from updates where set_id = ? and rollout is not null", (set_id,)
            )
            rollouts = [_update(row).rollout for row in rows]
        return frozenset(each.cluster for each in rollouts if each is not None and each.cluster is not None)

    def end(
        self, update: Update, state: UpdateState, result: UpdateResult | None = None, error: str | None = None
    ) -> None:
        """Note how it ended, as its last act."""
        found: dict[str, str | None] = {"result": result.model_dump_json()} if result else {}
        with self.database.writing() as connection:
            if state is UpdateState.FAILED and result is None:
                # Not the version that it hoped for: that may become another update's.
                found["version"] = update.wanted.version
            _changed(
                connection,
                update.id,
                state=state.value,
                ended=time.time(),
                error=error,
                next_try=None,
                **found,
            )
            detail = {"result": result.model_dump() if result else None, "error": error}
            note_act(connection, update.author, state.value, update.id, detail)

    def cancel(self, update: int, author: str) -> Update:
        """Ask for an update to be cancelled: it ends where it waits, is not made visible, or goes back.

        Raises:
            ApiError: there is none with this ID, or it has ended.
        """
        with self.database.writing() as connection:
            found = _update(_one(connection, update))
            if found.state.ended:
                raise ApiError(HTTPStatus.CONFLICT, f"update {update} has ended: {found.state}")
            note_act(connection, author, "cancel", update, {})
            return _cancelled(connection, found)

    def get(self, update: int) -> Update:
        """Return an update, or raise ApiError."""
        with self.database.reading() as connection:
            return _update(_one(connection, update))

    def list(
        self, set_id: str | None, state: UpdateState | None, limit: int, before: int | None = None
    ) -> Sequence[Update]:
        """Return the newest updates first: of one set, in one state, before a known one, where named."""
        with self.database.reading() as connection:
            rows = connection.execute(
                f"select {_LISTED} from updates"  # noqa: S608 - columns of ours
                " where (?1 is null or set_id = ?1) and (?2 is null or state = ?2)"
                " and (?4 is null or id < ?4) order by id desc limit ?3",
                (set_id, state.value if state else None, limit, before),
            )
            return [_update(row, is_short=True) for row in rows]

    def uploads_wanted(self) -> frozenset[str]:
        """Return the digests of uploads that updates still need."""
        with self.database.reading() as connection:
            rows = connection.execute("select * from open_updates")
            return frozenset().union(*(_update(row).wanted.uploads for row in rows))

    def open_updates(self) -> frozenset[int]:
        """Return the updates to which something will happen yet."""
        with self.database.reading() as connection:
            return frozenset(row["id"] for row in connection.execute("select id from open_updates"))

    def rolling_out(self) -> Mapping[str, Update]:
        """Return the update that is being rolled out, by its set."""
        with self.database.reading() as connection:
            rows = connection.execute(
                f"select {_LISTED} from open_updates where rollout is not null"  # noqa: S608 - ours
            )
            return {row["set_id"]: _update(row, is_short=True) for row in rows}

    def has_open(self, set_id: str, author: str) -> bool:
        """Whether somebody has an update of the set that has not ended."""
        with self.database.reading() as connection:
            found = connection.execute(
                "select 1 from open_updates where set_id = ? and author = ?", (set_id, author)
            )
            return found.fetchone() is not None

    def last_due(self, set_id: str, now: datetime) -> datetime:
        """Return when the set's schedule was due last; now, if it is seen for the first time."""
        with self.database.writing() as connection:
            connection.execute("insert or ignore into schedules values (?, ?)", (set_id, now.timestamp()))
            row = connection.execute("select due from schedules where set_id = ?", (set_id,)).fetchone()
            return time_of(row["due"])

    def forget_schedules(self, but: Collection[str]) -> None:
        """Forget when sets were due that have no schedule any more."""
        with self.database.reading() as connection:
            gone = [each["set_id"] for each in connection.execute("select set_id from schedules")]
        if gone := [each for each in gone if each not in but]:
            with self.database.writing() as connection:
                connection.executemany("delete from schedules where set_id = ?", [(each,) for each in gone])

    def last_of(self, set_id: str, author: str) -> Update | None:
        """Return the newest update of a set that somebody asked for."""
        with self.database.reading() as connection:
            row = connection.execute(
                "select * from updates where set_id = ? and author = ? order by id desc limit 1",
                (set_id, author),
            ).fetchone()
            return None if row is None else _update(row)

    def note_due(self, set_id: str, due: datetime) -> None:
        """Note that what was due then has been asked for."""
        with self.database.writing() as connection:
            connection.execute("update schedules set due = ? where set_id = ?", (due.timestamp(), set_id))

    def acts(
        self, after: int, limit: int, *, newest: bool = False, before: int | None = None
    ) -> Sequence[dict[str, Any]]:
        """Return the audit log, oldest or newest first: what is behind one known act, and before another."""
        order = "desc" if newest else "asc"
        command = f"select * from acts where id > ?1 and (?3 is null or id < ?3) order by id {order} limit ?2"  # noqa: S608
        with self.database.reading() as connection:
            rows = connection.execute(command, (after, limit, before))
            return [
                {**row, "time": time_of(row["time"]), "detail": _detail(row["detail"])}
                for row in map(dict, rows)
            ]

    def _change(self, update: int, **values: Any) -> None:
        with self.database.writing() as connection:
            _changed(connection, update, **values)


def _detail(text: str) -> dict[str, Any]:
    detail: dict[str, Any] = json.loads(text)
    if "wanted" not in detail or "named_models" in detail:
        return detail
    # Earlier releases noted all the models.
    wanted = detail["wanted"]
    return {**detail, "wanted": in_short(wanted), "named_models": named_models(wanted)}


def _cancelled(connection: sqlite3.Connection, update: Update) -> Update:
    if update.state in (UpdateState.QUEUED, UpdateState.WAITING) and update.result is None:
        values = {"state": UpdateState.CANCELLED.value, "ended": time.time(), "next_try": None}
        return _changed(connection, update.id, cancel=True, **values)
    # Whoever works on it sees it; one that waits does so no longer.
    return _changed(connection, update.id, cancel=True, next_try=None)


def _changed(connection: sqlite3.Connection, update: int, **values: Any) -> Update:
    return _update(change_row(connection, "updates", update, values))


def _one(connection: sqlite3.Connection, update: int) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute("select * from updates where id = ?", (update,)).fetchone()
    if row is None:
        raise not_found(f"no update {update}; `GET /updates` lists them")
    return row


def _update(row: sqlite3.Row, *, is_short: bool = False) -> Update:
    text, named = row["wanted"], row["named"]
    if is_short or named is None:
        request = json.loads(text)
        named = named_models(request) if named is None else named
        text = json.dumps(in_short(request)) if is_short else text
    return Update(
        id=row["id"],
        set=row["set_id"],
        wanted=UpdateRequest.model_validate_json(text),
        named_models=named,
        author=row["author"],
        state=UpdateState(row["state"]),
        version=row["version"],
        created=time_of(row["created"]),
        ended=None if row["ended"] is None else time_of(row["ended"]),
        cancel=bool(row["cancel"]),
        progress=UpdateProgress.model_validate_json(row["progress"]) if row["progress"] else None,
        result=UpdateResult.model_validate_json(row["result"]) if row["result"] else None,
        rollout=RolloutStatus.model_validate_json(row["rollout"]) if row["rollout"] else None,
        tries=row["tries"],
        next_try=None if row["next_try"] is None else time_of(row["next_try"]),
        error=row["error"],
    )
