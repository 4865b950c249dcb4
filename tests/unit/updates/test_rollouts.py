"""What a server says at once to an update whose version it could not bring online.

What it does with the others is tried on a real cluster: `tests/cluster/test_rollouts.py`.
"""

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
from bluegrid.updates.registry.clone import Clone
from bluegrid.updates.registry.source import Folder
from bluegrid.updates.rollouts import RolloutFailed, Rollouts, Stacks
from bluegrid.updates.rollouts.stacks import _is_left_behind
from bluegrid.updates.serve import Options
from bluegrid_registry import ConfigError, open_store, switch
from bluegrid_registry.registry_files.update_policy import Retraining
from tests.support.skops_files import skops_file
from tests.unit.updates.conftest import asked
from tests.unit.updates.updating import content_digest, ended, git

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid.project import Stack
    from bluegrid_registry import Service
    from tests.unit.updates.updating import Place

RETRAINED = skops_file("model 1, retrained")
PATH = "/modelSets/g1/versions/v1/models/line-1"
SERVICE = """\
service:
  name: line-loading
  live: d1
  clusters:
    - {id: d1, version: v1, cpu: 1, memory: 1Gi}
"""


def test_an_update_of_the_servers_tells_the_program_which_commit_it_applies(
    place: Place, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pulumi import automation

    given: list[Mapping[str, str]] = []

    def select(*_: object, opts: automation.LocalWorkspaceOptions, **__: object) -> automation.Stack:
        given.append(opts.env_vars or {})
        raise FileNotFoundError

    monkeypatch.setattr(automation, "select_stack", select)
    place.add_stack()
    clone = Clone.open(place.folder / "clone", str(remote), "main", "registry")
    stacks = Stacks(place.folder, place.folder, ("north",), place.folder / "copies", clone)
    (stack,) = stacks.declared()
    with pytest.raises(ConfigError, match="pulumi is not on PATH"):
        stacks.up(stack, ["urn"])
    commit, _, repository = given[0]["BLUEGRID_REGISTRY_COPY"].partition(" ")
    assert git("-C", repository, "rev-parse", "HEAD") == commit == git("-C", remote, "rev-parse", "main")
    assert (given[0]["BLUEGRID_PARTIAL_UPDATE"], given[0]["BLUEGRID_ROUTES"]) == ("1", "")


@pytest.mark.parametrize(
    ("rollout", "service", "stacks", "fault"),
    [
        ("standby", "", (), "the set has no service; declare one, or give rollout its `service`"),
        ("standby", SERVICE, (), "this server has no stacks; start it with --stack"),
        ("live", SERVICE, ("north",), "start the server with --git"),
    ],
)
def test_what_cannot_be_rolled_out_is_refused_before_anything_is_made(
    place: Place, rollout: str, service: str, stacks: tuple[str, ...], fault: str
) -> None:
    _declare(place, rollout, service)
    place.add_stack()
    with asked(_options(place, stacks), place.headers("training")) as client:
        answer = client.put(PATH, content=RETRAINED, headers=content_digest(RETRAINED))
        assert answer.status_code == 409
        assert answer.json()["error"].startswith(f"set g1: rollout to {rollout}: ")
        assert answer.json()["error"].endswith(fault)
        assert client.get("/updates").json() == []
    assert place.versions() == ["v1"]


def test_a_cluster_that_does_not_start_is_not_declared_any_more(place: Place) -> None:
    """Nobody is there who could start it: the version is made all the same."""
    _declare(place, "standby", SERVICE)
    place.add_stack()
    with asked(_options(place, ("north",)), place.headers("training")) as client:
        update = ended(client, client.put(PATH, content=RETRAINED, headers=content_digest(RETRAINED)))
        assert (update["state"], update["version"]) == ("rolled_back", "v2")
        assert update["error"].startswith("v2 is not online: pulumi ")
        assert "\n" not in update["error"]
        events = client.get("/audit-events").json()
    steps = [event["detail"]["step"] for event in events if event["act"] == "rollout"]
    assert steps == ["waiting", "d2: starting", "d2: going"]
    assert place.versions() == ["v1", "v2"]
    assert "d2" not in (place.registry / "g1.yaml").read_text()


def test_a_rollout_goes_on_from_what_a_switch_before_it_has_made_live(place: Place) -> None:
    standby = "    - {id: d2, version: v2, cpu: 1, memory: 1Gi}"
    _declare(place, "standby", SERVICE.replace("clusters:", f"clusters:\n{standby}"))
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


def _declare(place: Place, rollout: str, service: str) -> None:
    file = place.registry / "g1.yaml"
    update = f"source: platform\n  update:\n    rollout: {{to: {rollout}}}\n"
    file.write_text(file.read_text().replace("source: platform\n", update) + service)


def _options(place: Place, stacks: tuple[str, ...]) -> Options:
    return Options(
        place.registry,
        place.store,
        place.folder / "state",
        place.folder / "tokens.yaml",
        stacks=stacks,
        program=place.folder,
        stack_files=place.folder,
    )
