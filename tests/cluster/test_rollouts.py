"""Requested versions go online by themselves, or not at all; YAML always names the live version."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.regions import backend
from tests.cluster.test_regions import bad_requests_as_soon_as_it_is_live
from tests.cluster.updating import UpdateServer, files_of, has_ended
from tools.demo import steps
from tools.demo.workspace import SERVICE
from tools.load.process import Load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Workspace
    from tools.load.report import LoadReport

RATE = 50
LONGEST = 900
LIVE = "{to: live, bakeSeconds: 6, within: {atol: 25, share: 0.05}}"
IN_PLACE = "{to: in-place, bakeSeconds: 6}"


@dataclass(frozen=True)
class State:
    """An update, and the state once it had ended."""

    update: dict[str, Any]
    live: str
    """The live cluster, by YAML."""
    routed: str
    """The live cluster, by the Ingress."""
    clusters: dict[str, str]
    """The version of each cluster that YAML declares."""

    @classmethod
    def after(cls, server: UpdateServer, update: dict[str, Any]) -> State:
        service = server.declared().service(SERVICE)
        clusters = {cluster.id: cluster.version for cluster in service.clusters}
        return cls(update, service.live_in(server.work.stack), backend(server.work), clusters)


@dataclass(frozen=True)
class Results:
    """Observations under a continuous load."""

    good: State
    wrong: State
    breaking: State
    cancelled: State
    killed: State
    kills: list[str]
    """The steps at which the server was killed."""
    subjects: list[str]
    load: LoadReport
    preview: list[str]


@contextmanager
def serving(work: Workspace, rollout: str) -> Iterator[UpdateServer]:
    """Run a server that rolls versions out in this stack."""
    server = UpdateServer(work)
    text = (work.registry / "g1.yaml").read_text()
    server.commit(text.replace("source: platform}", f"source: platform, update: {{rollout: {rollout}}}}}"))
    server.start()
    try:
        yield server
    finally:
        server.stop()
        server.declared()


@pytest.fixture(scope="module")
def server(online: Callable[[str], Workspace]) -> Iterator[UpdateServer]:
    with serving(online("rollouts"), LIVE) as server:
        yield server


@pytest.fixture(scope="module")
def observed(local: Local, server: UpdateServer) -> Results:
    work, models = server.work, local.prepared.models
    v3, v4 = files_of(models / "v3"), files_of(models / "v4")
    report = work.state / "load.json"
    address, requests = work.place.route_url, models / "requests.json"
    with Load.start(address, SERVICE, requests, report, RATE, seconds=LONGEST, host=work.host) as load:
        good = State.after(server, server.ended(server.request(v3, base="v2", version="v3")))
        wrong = State.after(
            server, server.ended(server.request(_exchanged(files_of(models / "v2")), version="wrong"))
        )
        with bad_requests_as_soon_as_it_is_live(work, "d4"):
            breaking = State.after(server, server.ended(server.request(v4, version="v4")))
        update = server.request(v4, version="v4")
        server.wait(update, lambda found: "baking" in (found["rollout"] or {"step": ""})["step"])
        server.cancel(update)
        cancelled = State.after(server, server.ended(update))
        killed, kills = _killed_at_every_step(server, server.request(v4, version="v4"))
        after = State.after(server, killed)
        result = load.stop()
    changes = [f"{change.op} {change.name}" for change in steps.preview(work)]
    return Results(good, wrong, breaking, cancelled, after, kills, server.subjects(), result, changes)


def _exchanged(files: dict[str, bytes]) -> dict[str, bytes]:
    """Give each device another device's model with as many inputs, without recorded examples."""
    by_inputs: dict[int, list[str]] = {}
    for uid, example in json.loads(files["examples.json"]).items():
        by_inputs.setdefault(len(example["inputs"][0]), []).append(f"{uid}.skops")
    return {
        name: files[other]
        for alike in by_inputs.values()
        for name, other in zip(alike, [*alike[1:], alike[0]], strict=True)
    }


def _killed_at_every_step(server: UpdateServer, update: str) -> tuple[dict[str, Any], list[str]]:
    kills: list[str] = []

    def is_new(found: dict[str, Any]) -> bool:
        rollout = found["rollout"]
        return has_ended(found) or (rollout is not None and rollout["step"] not in kills)

    while not has_ended(found := server.wait(update, is_new)):
        server.kill()
        kills.append(found["rollout"]["step"])
        server.start()
    return found, kills


def test_a_version_that_is_well_goes_live(observed: Results) -> None:
    assert (observed.good.update["error"], observed.good.update["state"]) == (None, "done")
    assert (observed.good.live, observed.good.routed) == ("d3", "d3")
    # The cluster that was live stands by, and clusters that people declared stay.
    assert observed.good.clusters == {"d1": "v1", "d2": "v2", "d3": "v3"}
    assert observed.good.update["rollout"]["before"] == {"rollouts": "d1"}
    assert observed.good.update["rollout"]["requests"] > 0


def test_a_version_whose_answers_are_wrong_is_stopped_before_the_switch(observed: Results) -> None:
    assert observed.wrong.update["state"] == "rolled_back", observed.wrong.update
    assert "further off d3 than allowed" in observed.wrong.update["error"]
    assert (observed.wrong.live, observed.wrong.routed) == ("d3", "d3")
    assert "d4" not in observed.wrong.clusters
    assert "wrong" not in observed.load.by_version


def test_a_version_that_breaks_under_traffic_goes_back_in_the_bake(observed: Results) -> None:
    assert observed.breaking.update["state"] == "rolled_back", observed.breaking.update
    assert "requests failed, more than 1.00%" in observed.breaking.update["error"]
    assert (observed.breaking.live, observed.breaking.routed) == ("d3", "d3")
    assert "d4" not in observed.breaking.clusters


def test_a_rollout_that_is_cancelled_goes_back(observed: Results) -> None:
    assert observed.cancelled.update["state"] == "rolled_back", observed.cancelled.update
    assert "rollouts: cancelled; now live: d3 in rollouts" in observed.cancelled.update["error"]
    assert (observed.cancelled.live, observed.cancelled.routed) == ("d3", "d3")
    assert "d4" not in observed.cancelled.clusters


def test_a_server_that_is_killed_at_every_step_gets_there(observed: Results) -> None:
    assert (observed.killed.update["error"], observed.killed.update["state"]) == (None, "done")
    assert len(observed.kills) >= 4, observed.kills
    assert (observed.killed.live, observed.killed.routed) == ("d4", "d4")
    assert observed.killed.clusters == {"d1": "v1", "d2": "v2", "d3": "v3", "d4": "v4"}


def test_whatever_happened_nobody_noticed_and_everything_is_as_declared(observed: Results) -> None:
    assert observed.load.failed_total == 0, observed.load.failures
    assert {*observed.load.by_version} == {"v1", "v3", "v4"}
    assert observed.preview == []
    assert f"{SERVICE}: d3 is live in rollouts" in observed.subjects


def test_in_place_the_live_cluster_gets_the_version_and_nobody_notices(
    local: Local, online: Callable[[str], Workspace]
) -> None:
    work, models = online("in-place"), local.prepared.models
    # A version has one cluster: the standby with v2 is removed first.
    steps.remove_cluster(work, "d2")
    steps.up(work).require()
    address, requests, report = work.place.route_url, models / "requests.json", work.state / "load.json"
    with (
        serving(work, IN_PLACE) as server,
        Load.start(address, SERVICE, requests, report, RATE, seconds=LONGEST, host=work.host) as load,
    ):
        update = server.ended(server.request(files_of(models / "v2"), version="v2"))
        went = State.after(server, update)
        # A missing model: requests for it fail.
        with bad_requests_as_soon_as_it_is_live(work, "d1"):
            back = State.after(server, server.ended(server.request(files_of(models / "v4"), version="v4")))
        observed = load.stop()
    assert (update["error"], update["state"]) == (None, "done")
    assert (went.live, went.clusters) == ("d1", {"d1": "v2"})
    assert back.update["state"] == "rolled_back", back.update
    assert back.clusters == {"d1": "v2"}
    assert observed.failed_total == 0, observed.failures
    assert {*observed.by_version} == {"v1", "v2", "v4"}
    assert steps.preview(work) == ()
