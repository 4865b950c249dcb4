"""The way back needs no git: the old cluster is live again at once, and is committed when git answers.

Git, store and server are real; Kubernetes and Pulumi are those of `tests/support/regions.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bluegrid.updates.rollouts import Stacks
from tests.process.bluegrid.updates.rollouts.grid import (
    RETRAINED,
    STANDBY,
    Grid,
)
from tests.support.updating import SOMEBODY, digest, ended, git, until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from bluegrid.project import Stack


@pytest.mark.parametrize("how", ["away", "frozen"])
def test_a_bake_that_fails_while_git_takes_no_push_goes_back_first(grid: Grid, how: str) -> None:
    update = grid.update()
    grid.until_it_bakes(update)
    assert grid.declared() == "d2"
    with getattr(grid, how)():
        grid.regions.failing["bluegrid-north"] = 50
        until(grid.regions.routed, lambda routed: routed[0] == "d1")
        if how == "away":
            waiting = until(lambda: grid.look(update), lambda found: found["state"] == "waiting")
            assert "d2 goes as soon as that can be committed" in waiting["error"]
            assert waiting["next_try"] is not None
        else:
            assert grid.declared() == "d2"
        (service,) = grid.client.get("/services").json()
        assert service["regions"][0]["live"] == "d1"
    until(grid.declared, lambda live: live == "d1")
    after = until(lambda: grid.look(update), lambda found: found["state"] == "rolled_back")
    assert "requests failed, more than 1.00%" in after["error"]
    assert grid.regions.routed()[0] == "d1"


def test_what_is_not_back_is_tried_until_it_is(grid: Grid) -> None:
    update = grid.update()
    grid.until_it_bakes(update)
    grid.regions.failing["bluegrid-north"] = 50
    grid.regions.silent = 10**9
    stuck = until(lambda: grid.look(update), lambda found: found["state"] == "not back")
    assert "d2 is still live in north" in stuck["error"]
    assert grid.client.post(f"{update.headers['Location']}/retry").status_code == 202
    assert grid.regions.routed()[0] == "d2"
    grid.regions.silent = 0
    after = until(lambda: grid.look(update), lambda found: found["state"] == "rolled_back")
    assert grid.regions.routed()[0] == "d1"
    assert after["error"].startswith("v2 is not online: ")
    assert grid.declared() == "d1"


def test_no_version_of_another_set_waits_for_a_bake(grid: Grid) -> None:
    folder = grid.work / "registry"
    text = (folder / "g1.yaml").read_text()
    (folder / "g2.yaml").write_text(text[: text.index("  update:")].replace("g1", "g2") + "versions: []\n")
    git("-C", grid.work, "add", "--all")
    git("-C", grid.work, *SOMEBODY, "commit", "--quiet", "--message=Set g2")
    git("-C", grid.work, "push", "--quiet", "origin", "HEAD:main")
    update = grid.update()
    grid.until_it_bakes(update)
    until(lambda: grid.client.get("/modelSets").json(), lambda sets: len(sets) == 2)
    models = {"line-1": digest(RETRAINED)}
    other = ended(grid.client, grid.client.post("/modelSets/g2/updates", json={"models": models}))
    assert (other["state"], other["version"]) == ("done", "v1")
    assert "baking" in grid.look(update)["rollout"]["step"]
    actions = [event["act"] for event in grid.client.get("/audit-events").json() if event["update_id"] == 1]
    assert actions[:4] == ["requested", "started", "published", "rollout"]


def test_whoever_may_switch_takes_a_version_off_in_its_bake(grid: Grid) -> None:
    update = grid.update()
    grid.until_it_bakes(update)
    refused = grid.switch("d2")
    assert (refused.status_code, "update 1 is being rolled out" in refused.text) == (409, True)
    switched = ended(grid.client, grid.switch("d1"))
    assert (switched["state"], switched["update"], switched["error"]) == ("done", 1, None)
    assert grid.regions.routed()[0] == "d1"
    found = grid.look(update)
    assert (found["state"], found["error"]) == (
        "rolled_back",
        "v2 is not online: north: cancelled; now live: d1 in north",
    )


def test_whoever_may_switch_cancels_a_rollout(grid: Grid) -> None:
    update = grid.update()
    grid.until_it_bakes(update)
    cancel = f"{update.headers['Location']}/cancel"
    assert grid.client.post(cancel, headers=grid.operator).status_code == 202
    until(lambda: grid.look(update), lambda found: found["state"] == "rolled_back")
    assert grid.client.post(cancel, headers=grid.operator).status_code == 409
    other = grid.client.post("/modelSets/g1/updates", json={"base": "v1", "without": ["line-1"]})
    assert grid.client.post(f"{other.headers['Location']}/cancel", headers=grid.operator).status_code == 403


def test_a_switch_is_made_while_git_is_away_and_committed_afterwards(standby: None, grid: Grid) -> None:
    with grid.away():
        switched = ended(grid.client, grid.switch("d2"))
        assert (switched["state"], switched["error"]) == ("done", None)
        assert grid.regions.routed()[0] == "d2"
    until(grid.declared, lambda live: live == "d2")
    log = git("-C", grid.remote, "log", "-1", "--format=%an", "--grep=d2 is live in north", "main")
    assert log == "operator"


def stuck_switch(grid: Grid, monkeypatch: pytest.MonkeyPatch) -> httpx.Response:
    """Begin a switch to d2 in which the API server stops answering once the route leads to d2."""
    up = Stacks._up_once

    def then_silence(self: Stacks, stack: Stack, *more: Any) -> None:
        was = grid.regions.routed()[0]
        up(self, stack, *more)
        if was == "d1" and grid.regions.routed()[0] == "d2":
            grid.regions.silent = 10**9

    monkeypatch.setattr(Stacks, "_up_once", then_silence)
    switch = grid.switch("d2")
    until(lambda: grid.look(switch), lambda found: found["state"] == "not back")
    return switch


def test_a_switch_that_fails_is_tried_to_be_back_until_it_is(
    standby: None, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = stuck_switch(grid, monkeypatch)
    stuck = grid.look(switch)
    assert stuck["error"].startswith("d2 is still live in north, and is taken off again: ")
    assert (stuck["ended"], grid.regions.routed()[0]) == (None, "d2")
    assert "still live" in grid.client.get("/healthz").json()["faults"]["updates"]
    grid.regions.silent = 0
    after = ended(grid.client, switch)
    assert (after["state"], grid.regions.routed()[0], grid.declared()) == ("failed", "d1", "d1")
    assert after["error"].endswith("; now live: d1 in north")
    assert after["back"] is not None
    events = grid.client.get("/audit-events", params={"newest": True}).json()
    assert [event["act"] for event in events] == ["switch failed", "switch not back", "switch"]


def test_whoever_asks_for_another_switch_gives_up_one_that_is_not_back(
    standby: None, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = stuck_switch(grid, monkeypatch)
    other = grid.switch("d2")
    assert other.status_code == 202
    assert grid.look(first)["error"].endswith("; given up for the switch to d2")
    grid.regions.silent = 0
    after = ended(grid.client, other)
    assert (after["state"], grid.regions.routed()[0], grid.declared()) == ("done", "d2", "d2")
    assert grid.look(first)["state"] == "failed"


def test_what_others_commit_meanwhile_wins_over_what_waits(standby: None, grid: Grid) -> None:
    with grid.away():
        assert ended(grid.client, grid.switch("d2"))["state"] == "done"
        assert ended(grid.client, grid.switch("d1"))["state"] == "done"
        assert ended(grid.client, grid.switch("d2"))["state"] == "done"
        aside = grid.remote.with_name("aside.git")
        git("-C", grid.work, "remote", "set-url", "origin", aside)
        grid.commit(STANDBY, STANDBY + STANDBY.replace("2", "3"))
        grid.commit("  live: d1", "  live: d3")
    pending = grid.remote.with_name("state") / "uncommitted.json"
    until(pending.read_text, lambda text: text == "[]")
    assert grid.declared() == "d3"


def test_after_a_rollback_the_version_that_was_left_is_not_offered_as_the_way_back(
    standby: None, grid: Grid
) -> None:
    ended(grid.client, grid.switch("d2"))
    (service,) = grid.client.get("/services").json()
    assert service["regions"][0]["before"]["cluster"] == "d1"
    back = ended(grid.client, grid.switch("d1"))
    assert (back["state"], back["is_way_back"]) == ("done", True)
    (service,) = grid.client.get("/services").json()
    assert service["regions"][0]["before"] is None
    marks = {each["id"]: each["bad"] for each in service["clusters"]}
    assert (marks["d1"], marks["d2"]["by"]) == (None, "operator")
    # Making the version live anyway removes the mark.
    ended(grid.client, grid.switch("d2"))
    (service,) = grid.client.get("/services").json()
    assert [each["bad"] for each in service["clusters"]] == [None, None]


def test_a_way_back_waits_for_no_pods_and_another_switch_does(
    standby: None, grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    up, at_once = Stacks._up_once, []

    def noted(
        self: Stacks, stack: Stack, targets: Sequence[str], variables: Mapping[str, str], on_output: Any
    ) -> None:
        at_once.append("BLUEGRID_AT_ONCE" in variables)
        up(self, stack, targets, variables, on_output)

    monkeypatch.setattr(Stacks, "_up_once", noted)
    for cluster in ("d2", "d1"):
        ended(grid.client, grid.switch(cluster))
    assert at_once == [False, True]


def test_no_rollout_makes_a_version_live_that_is_marked_bad(grid: Grid) -> None:
    path = "/modelSets/g1/versions/v1/bad"
    marked = grid.client.put(path, json={"why": "wrong units"}, headers=grid.operator)
    assert marked.status_code == 200
    (version,) = grid.client.get("/modelSets/g1/versions").json()
    assert (version["bad"]["by"], version["bad"]["why"]) == ("operator", "wrong units")
    assert grid.client.put(path, json={"why": "no"}).status_code == 403
    assert grid.client.delete(path, headers=grid.operator).status_code == 204


def test_a_version_without_a_model_that_clients_ask_for_does_not_go_live_by_itself(grid: Grid) -> None:
    models = {"line-0": digest(RETRAINED)}
    grid.client.put(f"/uploads/{digest(RETRAINED)}", content=RETRAINED).raise_for_status()
    update = grid.client.post("/modelSets/g1/updates", json={"models": models})
    found = until(lambda: grid.look(update), lambda found: found["state"] == "rolled_back")
    assert "v2 has no line-1 and 1 more, which v1 has, and clients ask for" in found["error"]
    grid.regions.set("north", version="v3")
    word = {"base": "v1", "without": ["line-1"]}
    update = grid.client.post("/modelSets/g1/updates", json=word)
    grid.until_it_bakes(update)
