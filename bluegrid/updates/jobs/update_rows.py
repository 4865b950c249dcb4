"""Reads and writes updates as rows of the database."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bluegrid.updates.errors import not_found
from bluegrid.updates.jobs.database import change_row, time_of
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

LISTED = (
    "id, set_id, coalesce(short, wanted) as wanted, named, author, state, version, created, ended, cancel,"
    " progress, result, rollout, tries, next_try, error"
)
"""The columns of a list of updates; without the whole request, which takes up to 1 MB."""


IN_LANE = {
    None: "true",
    Lane.TRAIN: "to_train and result is null",
    Lane.PUBLISH: "not to_train and result is null",
    Lane.ROLL_OUT: "result is not null and state != 'not back'",
    Lane.GO_BACK: "state = 'not back'",
}
"""SQL conditions for the updates in a lane; None: any lane."""


def update_of(row: sqlite3.Row, *, is_short: bool = False) -> Update:
    """Return the update of a row; if `is_short`, its request names only the first models."""
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


def read_update(connection: sqlite3.Connection, update: int) -> Update:
    """Return an update by its ID.

    Raises:
        ApiError: there is no such update.
    """
    row: sqlite3.Row | None = connection.execute("select * from updates where id = ?", (update,)).fetchone()
    if row is None:
        raise not_found(f"no update {update}; `GET /updates` lists them")
    return update_of(row)


def change_update(connection: sqlite3.Connection, update: int, **values: Any) -> Update:
    """Change columns of an update, and return the update."""
    return update_of(change_row(connection, "updates", update, values))
