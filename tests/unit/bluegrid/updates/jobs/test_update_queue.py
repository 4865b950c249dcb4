"""The queue of updates keeps what an operator needs of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid.updates.jobs.database import Database
from bluegrid.updates.jobs.update import UpdateRequest, UpdateState
from bluegrid.updates.jobs.update_queue import MAX_ERROR, UpdateQueue

if TYPE_CHECKING:
    from pathlib import Path


def test_a_long_error_is_kept_by_its_beginning(tmp_path: Path) -> None:
    queue = UpdateQueue(Database.open(tmp_path / "journal.sqlite"))
    added = queue.add("g1", UpdateRequest(base="v1", models={}, without=("line-1",)), "training", None)
    error = "e" * (MAX_ERROR + 7)
    kept = "e" * MAX_ERROR + "... and 7 more characters"
    assert queue.wait(added, UpdateState.WAITING, error).error == kept
    queue.end(added, UpdateState.FAILED, error=error)
    assert queue.get(added.id).error == kept
    queue.end(added, UpdateState.FAILED, error=error[:MAX_ERROR])
    assert queue.get(added.id).error == error[:MAX_ERROR]
