"""Only one job at a time changes which cluster of a service is live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid.updates.errors import ApiError
from bluegrid.updates.jobs.database import Database
from bluegrid.updates.jobs.switch import SwitchState
from bluegrid.updates.jobs.switch_queue import SwitchQueue
from bluegrid.updates.jobs.update import RolloutStatus, UpdateRequest, UpdateState
from bluegrid.updates.jobs.update_queue import UpdateQueue
from bluegrid_registry.registry_files.update_policy import RolloutKind

if TYPE_CHECKING:
    from pathlib import Path


def test_of_a_service_only_one_thing_changes_what_is_live(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "journal.sqlite")
    queue, switches = UpdateQueue(database), SwitchQueue(database)
    queue.add("g1", UpdateRequest(base="v1", without=("line-1",)), "training", None)
    update = queue.begin()
    assert update is not None
    first = switches.add("g1", "line-loading", "d2", ["north"], "operator")
    with pytest.raises(ApiError, match="switch 1 of line-loading is under way"):
        switches.add("g1", "line-loading", "d1", ["north"], "operator")
    switches.end(first)
    queue.note_rollout(update, RolloutStatus(to=RolloutKind.LIVE, step="waiting"))
    with pytest.raises(ApiError, match="update 1 is being rolled out to line-loading; cancel it"):
        switches.add("g1", "line-loading", "d1", ["north"], "operator")
    assert switches.add("g2", "other", "d1", ["north"], "operator").id == 2
    queue.end(update, UpdateState.DONE)
    assert switches.add("g1", "line-loading", "d1", ["north"], "operator").state is SwitchState.QUEUED


def test_a_switch_that_was_cut_off_is_gone_on_with(tmp_path: Path) -> None:
    queue = SwitchQueue(Database.open(tmp_path / "journal.sqlite"))
    added = queue.add("g1", "line-loading", "d2", ["north"], "operator")
    queue.note_step(added, "north: switching", {"north": "d1"})
    begun = SwitchQueue(Database.open(tmp_path / "journal.sqlite")).begin()
    assert begun is not None
    assert (begun.id, begun.state, begun.before) == (added.id, "running", {"north": "d1"})
