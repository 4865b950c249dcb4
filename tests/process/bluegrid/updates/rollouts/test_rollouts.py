"""Immediate refusals of updates whose version the server could not bring online.

`tests/cluster/test_rollouts.py` tests accepted updates on a real cluster.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bluegrid.project import Target
from bluegrid.updates.registry_source.clone import Clone
from bluegrid.updates.rollouts import Stacks
from bluegrid.updates.serve import Options
from bluegrid_registry import ConfigError
from tests.support.skops_files import skops_file
from tests.support.update_server import running_server
from tests.support.updating import SERVICE, content_digest, declare, ended, git

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.process.bluegrid.updates.rollouts.grid import Grid
    from tests.support.updating import Place

RETRAINED = skops_file("model 1, retrained")
PATH = "/modelSets/g1/versions/v1/models/line-1"


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
        stacks.up_target(stack, Target("loading", ("d2",), are_scaled=False))
    commit, _, repository = given[0]["BLUEGRID_REGISTRY_COPY"].partition(" ")
    assert git("-C", repository, "rev-parse", "HEAD") == commit == git("-C", remote, "rev-parse", "main")
    assert (given[0]["BLUEGRID_PARTIAL_UPDATE"], given[0]["BLUEGRID_ROUTES"]) == ("1", "loading")
    # A folder of its own for the copies of the kubeconfig, which is removed.
    assert Path(given[0]["TMPDIR"]).name.startswith("bluegrid-")
    assert not Path(given[0]["TMPDIR"]).exists()


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
    declare(place, rollout, service)
    place.add_stack()
    with running_server(_options(place, stacks), place.headers("training")) as client:
        answer = client.put(PATH, content=RETRAINED, headers=content_digest(RETRAINED))
        assert answer.status_code == 409
        assert answer.json()["error"].startswith(f"set g1: rollout to {rollout}: ")
        assert answer.json()["error"].endswith(fault)
        assert client.get("/updates").json() == []
    assert place.versions() == ["v1"]


def test_a_cluster_that_does_not_start_is_not_declared_any_more(place: Place) -> None:
    """Nothing could start the cluster: the version is made anyway."""
    declare(place, "standby", SERVICE)
    place.add_stack()
    with running_server(_options(place, ("north",)), place.headers("training")) as client:
        update = ended(client, client.put(PATH, content=RETRAINED, headers=content_digest(RETRAINED)))
        assert (update["state"], update["version"]) == ("rolled_back", "v2")
        assert update["error"].startswith("v2 is not online: pulumi ")
        assert "\n" not in update["error"]
        events = client.get("/audit-events").json()
    steps = [event["detail"]["step"] for event in events if event["act"] == "rollout"]
    assert steps == ["waiting", "d2: starting", "d2: going"]
    assert place.versions() == ["v1", "v2"]
    assert "d2" not in (place.registry / "g1.yaml").read_text()


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


def test_a_training_that_changes_nothing_is_not_rolled_out(grid: Grid) -> None:
    update = ended(grid.client, grid.client.post("/modelSets/g1/updates", json={"base": "v1", "train": {}}))
    assert (update["state"], update["version"], update["rollout"]) == ("done", None, None)
    assert grid.declared() == "d1"
