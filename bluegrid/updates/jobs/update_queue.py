"""The queue of updates: each request for a version, and its progress, so that a killed server can resume.

Every server of a machine may add to the queue. The server that holds the lock processes the queue; the next
server that gets the lock resumes the updates that were started.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bluegrid.updates.errors import ApiError
from bluegrid.updates.jobs.audit_log import AuditAction, note_event
from bluegrid.updates.jobs.retries import LONGEST_WAIT_SECONDS, wait_seconds
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
from bluegrid.updates.jobs.update_rows import IN_LANE, LISTED, change_update, read_update, update_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping, Sequence

    from bluegrid.updates.jobs.database import Database

MAX_ERROR = 4000
"""Most characters of an error that are kept: a model may name thousands of classes that are not trusted."""


@dataclass(frozen=True)
class UpdateQueue:
    """The updates of a database. Changes of an update are also events in the audit log."""

    database: Database

    def add(self, set_id: str, request: UpdateRequest, author: str, key: str | None) -> Update:
        """Add an update; the same idempotency key of the same author always returns the same update.

        Raises:
            ApiError: the key was used for another request.
        """
        text = request.model_dump_json()
        data = json.loads(text)
        short, named = in_short(data), named_models(data)
        # Requests of earlier releases did not have these fields: their fingerprints stay.
        later = {"incompatible": request.incompatible, "lineage": request.lineage}
        same = request.model_dump_json(exclude={name for name, value in later.items() if not value})
        fingerprint = hashlib.sha256(f"{set_id}\n{same}".encode()).hexdigest()
        with self.database.writing() as connection:
            known = connection.execute(
                "select * from updates where author = ? and key = ?", (author, key)
            ).fetchone()
            if known is not None:
                if known["fingerprint"] != fingerprint:
                    message = f"Idempotency-Key {key} was used for another request, update {known['id']}"
                    raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, f"{message}; choose a new one")
                return update_of(known)
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
                    request.version,
                    time.time(),
                    request.train is not None,
                ),
            ).fetchone()
            # The update's own row keeps all models.
            detail = {"set": set_id, "wanted": short, "named_models": named}
            note_event(connection, author, AuditAction.REQUESTED, row["id"], detail)
            return update_of(row)

    def is_known(self, author: str, key: str | None) -> bool:
        """Whether an author has used an idempotency key before."""
        with self.database.reading() as connection:
            found = connection.execute("select 1 from updates where author = ? and key = ?", (author, key))
            return found.fetchone() is not None

    def begin(self, lane: Lane | None = None, but: Collection[int] = ()) -> Update | None:
        """Return the next update for the server that holds the lock; None: there is none now.

        Updates that are not back are first, then updates that a killed server had started, then the oldest.
        The updates of a set run one after the other, even while the first of them waits.

        Args:
            lane: the next task of the update; None: any.
            but: IDs of the updates that are running.
        """
        now = time.time()
        with self.database.writing() as connection:
            row = connection.execute(
                # A time further ahead was written with a wrong clock.
                "select * from open_updates as this"  # noqa: S608 - words of ours
                " where (next_try is null or next_try not between ? and ?)"
                " and not exists (select 1 from open_updates where set_id = this.set_id and id < this.id)"
                " and id not in (select value from json_each(?))"
                f" and {IN_LANE[lane]}"
                " order by state = 'not back' desc, state = 'running' desc, id limit 1",
                (now, now + LONGEST_WAIT_SECONDS, json.dumps([*but])),
            ).fetchone()
            if row is None:
                return None
            update = update_of(row)
            if update.state in (UpdateState.QUEUED, UpdateState.RUNNING) and not row["handed_on"]:
                action = AuditAction.STARTED if update.state is UpdateState.QUEUED else AuditAction.RESUMED
                note_event(connection, update.author, action, update.id, {})
            # An update that is not back keeps that state until it is.
            state = update.state if update.state is UpdateState.NOT_BACK else UpdateState.RUNNING
            return change_update(connection, update.id, state=state.value, next_try=None, handed_on=False)

    def hand_on(self, update: Update) -> None:
        """Note that a lane is done with the update, which now waits in the next lane."""
        self._change(update.id, state=UpdateState.QUEUED.value, to_train=False, handed_on=True)

    def wait(self, update: Update, state: UpdateState, error: str) -> Update:
        """Note that an update must be tried again, and return the update with the time of the next try.

        Only a new reason is an event in the audit log.
        """
        error = _shortened(error)
        with self.database.writing() as connection:
            before = read_update(connection, update.id)
            tries = before.tries + 1
            values = {"tries": tries, "next_try": time.time() + wait_seconds(tries), "error": error}
            if error != before.error:
                note_event(connection, update.author, AuditAction(state), update.id, {"error": error})
            return change_update(connection, update.id, state=state.value, **values)

    def retry(self, update: int, author: str) -> Update:
        """Try an update again now that waits, or that failed before it had a version.

        Raises:
            ApiError: there is no such update, or nothing is left to try.
        """
        with self.database.writing() as connection:
            found = read_update(connection, update)
            is_failed = found.state is UpdateState.FAILED and found.result is None
            if not (is_failed or found.state in (UpdateState.WAITING, UpdateState.NOT_BACK)):
                fault = f"update {update} is {found.state}"
                raise ApiError(HTTPStatus.CONFLICT, f"{fault}; only what waits or failed is tried again")
            note_event(connection, author, AuditAction.RETRY, update, {})
            state = UpdateState.QUEUED if is_failed else found.state
            values = {"next_try": None, "tries": 0, "ended": None, "error": None}
            if is_failed:
                # Trained models may have been deleted by now; if not, the trainer does not run again.
                values["to_train"] = found.wanted.train is not None
            return change_update(connection, update, state=state.value, **values)

    def note_version(self, update: int, version: str) -> None:
        """Note the ID of the version, before anything is sent to the store."""
        self._change(update, version=version)

    def note_progress(self, update: int, progress: UpdateProgress) -> None:
        """Note the progress of the push."""
        self._change(update, progress=progress.model_dump_json())

    def note_published(self, update: Update, result: UpdateResult) -> None:
        """Note that the version is in the store and in the registry: only the rollout is left."""
        with self.database.writing() as connection:
            change_update(connection, update.id, result=result.model_dump_json())
            note_event(connection, update.author, AuditAction.PUBLISHED, update.id, result.model_dump())

    def note_rollout(self, update: Update, rollout: RolloutStatus) -> None:
        """Note the status of the rollout; a new step is an event in the audit log."""
        with self.database.writing() as connection:
            before = read_update(connection, update.id).rollout
            change_update(connection, update.id, rollout=rollout.model_dump_json())
            if before is None or before.step != rollout.step:
                detail = rollout.model_dump(mode="json")
                note_event(connection, update.author, AuditAction.ROLLOUT, update.id, detail)

    def clusters_of(self, set_id: str) -> frozenset[str]:
        """Return the clusters that rollouts of a set have made."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "select * from updates where set_id = ? and rollout is not null", (set_id,)
            )
            rollouts = [update_of(row).rollout for row in rows]
        return frozenset(each.cluster for each in rollouts if each is not None and each.cluster is not None)

    def end(
        self, update: Update, state: UpdateState, result: UpdateResult | None = None, error: str | None = None
    ) -> None:
        """Note the final state of an update, with its result or its error."""
        values: dict[str, str | None] = {"result": result.model_dump_json()} if result else {}
        error = _shortened(error) if error else error
        with self.database.writing() as connection:
            if state is UpdateState.FAILED and result is None:
                # The chosen version ID becomes free for another update.
                values["version"] = update.wanted.version
            values |= {"state": state.value, "error": error}
            change_update(connection, update.id, ended=time.time(), next_try=None, **values)
            detail = {"result": result.model_dump() if result else None, "error": error}
            note_event(connection, update.author, AuditAction(state), update.id, detail)

    def cancel(self, update: int, author: str) -> Update:
        """Cancel an update: a waiting update ends, a running one makes no version, a rollout is rolled back.

        Raises:
            ApiError: there is no such update, or it has ended.
        """
        with self.database.writing() as connection:
            found = read_update(connection, update)
            if found.state.ended:
                raise ApiError(HTTPStatus.CONFLICT, f"update {update} has ended: {found.state}")
            note_event(connection, author, AuditAction.CANCEL, update, {})
            return _cancelled(connection, found)

    def get(self, update: int) -> Update:
        """Return an update, or raise ApiError."""
        with self.database.reading() as connection:
            return read_update(connection, update)

    def list(
        self, set_id: str | None, state: UpdateState | None, limit: int, before: int | None = None
    ) -> Sequence[Update]:
        """Return updates, newest first.

        Args:
            set_id: only updates of this set; None: of all sets.
            state: only updates in this state; None: in any state.
            limit: the largest number of updates to return.
            before: only updates with smaller IDs; None: from the newest.
        """
        # With `:set is null or ...` SQLite would read the updates of all sets.
        of_set = "true" if set_id is None else "set_id = :set"
        with self.database.reading() as connection:
            rows = connection.execute(
                f"select {LISTED} from updates where {of_set}"  # noqa: S608 - columns of ours
                " and (:state is null or state = :state)"
                " and (:before is null or id < :before) order by id desc limit :limit",
                {"set": set_id, "state": state.value if state else None, "before": before, "limit": limit},
            )
            return [update_of(row, is_short=True) for row in rows]

    def uploads_wanted(self) -> frozenset[str]:
        """Return the digests of uploads that updates still need."""
        with self.database.reading() as connection:
            rows = connection.execute("select * from open_updates")
            return frozenset().union(*(update_of(row).wanted.uploads for row in rows))

    def open_updates(self) -> frozenset[int]:
        """Return the updates that have not ended."""
        with self.database.reading() as connection:
            return frozenset(row["id"] for row in connection.execute("select id from open_updates"))

    def rolling_out(self) -> Mapping[str, Update]:
        """Return the updates that are being rolled out, by set."""
        with self.database.reading() as connection:
            rows = connection.execute(
                f"select {LISTED} from open_updates where rollout is not null"  # noqa: S608 - ours
            )
            return {row["set_id"]: update_of(row, is_short=True) for row in rows}

    def has_open(self, set_id: str, author: str | None = None) -> bool:
        """Whether an update of the set has not ended; with `author`, an update that this author requested."""
        with self.database.reading() as connection:
            found = connection.execute(
                "select 1 from open_updates where set_id = :set and (:author is null or author = :author)",
                {"set": set_id, "author": author},
            )
            return found.fetchone() is not None

    def last_of(self, set_id: str, author: str) -> Update | None:
        """Return the newest update of a set that an author requested; None: there is none."""
        with self.database.reading() as connection:
            row = connection.execute(
                "select * from updates where set_id = ? and author = ? order by id desc limit 1",
                (set_id, author),
            ).fetchone()
            return None if row is None else update_of(row)

    def _change(self, update: int, **values: Any) -> None:
        with self.database.writing() as connection:
            change_update(connection, update, **values)


def _cancelled(connection: sqlite3.Connection, update: Update) -> Update:
    if update.state in (UpdateState.QUEUED, UpdateState.WAITING) and update.result is None:
        values = {"state": UpdateState.CANCELLED.value, "ended": time.time(), "next_try": None}
        return change_update(connection, update.id, cancel=True, **values)
    # The runner reads the cancellation; without `next_try`, a waiting update is tried at once.
    return change_update(connection, update.id, cancel=True, next_try=None)


def _shortened(error: str) -> str:
    more = len(error) - MAX_ERROR
    return error if more <= 0 else f"{error[:MAX_ERROR]}... and {more} more characters"
