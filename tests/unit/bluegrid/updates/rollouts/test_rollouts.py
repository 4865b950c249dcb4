"""Rollouts, as far as they can be tested without a cluster."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from bluegrid.updates.jobs.bad_versions import BadVersions
from bluegrid.updates.jobs.database import Database
from bluegrid.updates.jobs.switch_queue import SwitchQueue
from bluegrid.updates.jobs.update import RolloutStatus, UpdateRequest
from bluegrid.updates.jobs.update_queue import UpdateQueue
from bluegrid.updates.registry_source.source import Folder
from bluegrid.updates.rollouts import RolloutFailed, Rollouts, Stacks
from bluegrid.updates.rollouts.in_place import InPlaceRollout
from bluegrid.updates.rollouts.stacks import _is_left_behind
from bluegrid_registry import SourceModel, open_store, push, switch
from bluegrid_registry.formats.example import Example
from bluegrid_registry.model_types.model_type import ModelType
from bluegrid_registry.registry_files.edits.versions import add_version
from bluegrid_registry.registry_files.update_policy import Retraining
from tests.support.updating import SERVICE, declare

if TYPE_CHECKING:
    from bluegrid.project import Stack
    from bluegrid_registry import Service
    from tests.support.updating import Place


def test_a_rollout_goes_on_from_what_a_switch_before_it_has_made_live(place: Place) -> None:
    standby = "    - {id: d2, version: v2, cpu: 1, memory: 1Gi}"
    declare(place, "standby", SERVICE.replace("clusters:", f"clusters:\n{standby}"))
    place.add_v2()
    place.add_stack()
    database = Database.open(place.folder / "journal.sqlite")
    queue, switches = UpdateQueue(database), SwitchQueue(database)
    switched = switches.add("g1", "line-loading", "d2", ["north"], "operator")
    queue.add("g1", UpdateRequest(version="v3", base="v1", without=("line-1",)), "training", None)
    update = queue.begin()
    assert update is not None
    source, seen = Folder(place.registry), list[str | Mapping[str, str]]()

    class Seeing(Stacks):
        def of(self, service: Service) -> list[Stack]:
            seen.append(service.live)
            return []

    stacks = Seeing(place.folder, place.folder, ("north",), place.folder / "copies", source)
    rollouts = Rollouts(source, open_store(place.store), stacks, switches, BadVersions(database))

    def switch_meanwhile(_: RolloutStatus) -> None:
        switch(place.registry, "line-loading", "d2")
        switches.end(switched)

    with pytest.raises(RolloutFailed, match="none of this server's stacks has service line-loading"):
        rollouts.roll_out(update, (), switch_meanwhile, lambda: False)
    assert seen == ["d2"]


def test_a_rollout_that_breaks_clients_is_refused_unless_it_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(place.store)
    for version, features in (("v2", 3), ("v3", 4)):
        rows = Example(inputs=((1.0,) * features,), outputs=(1.0,))
        models = [SourceModel("line-0", b"model", (rows,))]
        made = push(store, "g1", version, models, model_type=ModelType.parse("scikit-learn/skops"))
        add_version(place.registry, "g1", made.row)
    declare(place, "in-place", SERVICE.replace("v1", "v2"))
    place.add_stack()
    database, source = Database.open(place.folder / "journal.sqlite"), Folder(place.registry)
    switches = SwitchQueue(database)
    stacks = Stacks(place.folder, place.folder, ("north",), place.folder / "copies", source)
    rollouts = Rollouts(source, store, stacks, switches, BadVersions(database))

    ran: list[str] = []
    monkeypatch.setattr(InPlaceRollout, "run", lambda rollout: ran.append(rollout._context.version))

    def roll_out(*, incompatible: bool) -> str:
        request = UpdateRequest(version="v3", base="v2", models={}, without=("x",), incompatible=incompatible)
        queue = UpdateQueue(Database.open(place.folder / f"{incompatible}.sqlite"))
        queue.add("g1", request, "training", None)
        update = queue.begin()
        assert update is not None
        ran.clear()
        try:
            rollouts.roll_out(update, (), lambda _: None, lambda: False)
        except RolloutFailed as failed:
            return str(failed)
        return ""

    assert roll_out(incompatible=False) == (
        "v3 is not online: clients of v2 would break: input x FP64 [n, 3] becomes x FP64 [n, 4]; "
        'let it through with "incompatible": true, or switch by hand'
    )
    assert ran == []
    assert roll_out(incompatible=True) == ""
    assert ran == ["v3"]


def test_a_schedule_needs_a_trainer() -> None:
    with pytest.raises(ValidationError, match="a schedule calls the trainer, and there is none"):
        Retraining.model_validate({"schedule": {"when": "daily"}})


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ("created by root@{host} (pid 4194303) at 2026-11-26", True),
        ("created by root@{host} (pid {pid}) at 2026-11-26", False),
        ("created by root@elsewhere (pid 4194303) at 2026-11-26", False),
        ("created by root@{host} (pid 4194303), created by root@{host} (pid {pid})", False),
        ("locked", False),
    ],
)
def test_only_the_lock_of_a_process_of_this_machine_that_is_no_more_is_taken_away(
    message: str, left: bool
) -> None:
    text = message.format(host=socket.gethostname(), pid=os.getpid())
    assert _is_left_behind(text) is left
