"""A set that is not online: its first version goes online; a model and the schedule bring more versions."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.regions import backend
from tests.cluster.updating import SECONDS, UpdateServer, files_of
from tools.demo import steps
from tools.demo.prepare import EXAMPLE
from tools.demo.workspace import SERVICE, SET
from tools.load.process import Load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bluegrid_registry import Service
    from tests.cluster.conftest import Local
    from tools.demo.workspace import Workspace
    from tools.load.report import LoadReport

RATE = 50
LONGEST = 900
UPDATE = """
  update:
    trainer:
      command: [python, -m, bluegrid.tour.line_loading.retrain]
      parameters:
        season: {{type: string, default: winter}}
        flows: {{type: integer, default: 40}}
        seed: {{type: integer, default: 1}}
        uid: {{type: string, default: {uid}}}
    schedule: {{when: weekly, timeZone: Europe/Berlin}}
    rollout:
      to: live
      bakeSeconds: 6
      within: {{atol: 25, share: 0.05}}
      service: {{name: line-loading, replicas: 2, cpu: 1, memory: 1Gi}}
"""


@dataclass(frozen=True)
class Results:
    """The first version, a version with another model, a scheduled version; and the state after each."""

    first: dict[str, Any]
    put_online: Service
    replaced: dict[str, Any]
    with_another_model: Service
    due: dict[str, Any]
    retrained: Service
    routed: str
    load: LoadReport
    subjects: list[str]
    preview: list[str]


@pytest.fixture(scope="module")
def work(local: Local) -> Iterator[Workspace]:
    """A stack whose only set has neither versions nor a service."""
    work = local.workspace("calendar", host="calendar.test")
    steps.declare_set(work, EXAMPLE)
    steps.up(work).require()
    yield work
    local.remove(work)


@pytest.fixture(scope="module")
def observed(local: Local, work: Workspace) -> Results:
    models = local.prepared.models
    uid, requests = _requests_for_all_but_one(models / "requests.json", work.state / "requests.json")
    server = UpdateServer(work)
    declared = (work.registry / "g1.yaml").read_text()
    row = "{id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}"
    assert row in declared
    mapping = "".join(f"\n  {each}" for each in row.strip("{}").split(", "))
    server.commit(declared.replace(f" {row}", mapping + UPDATE.format(uid=uid).rstrip()))
    server.start()
    try:
        first = server.ended(server.request(files_of(models / "v4"), version="v4"))
        put_online = server.declared().service(SERVICE)
        report = work.state / "load.json"
        with Load.start(
            work.place.route_url, SERVICE, requests, report, RATE, seconds=LONGEST, host=work.host
        ) as load:
            other = (models / "v1" / f"{uid}.skops").read_bytes()
            replaced = server.ended(server.replace(uid, other, base="v4"))
            with_another_model = server.declared().service(SERVICE)
            # The server first saw the schedule when it began; eight days later the training is due.
            server.stop()
            server.move_clock(days=8)
            server.start()
            due = server.ended(_due(server))
            retrained, routed = server.declared().service(SERVICE), backend(work)
            result = load.stop()
    finally:
        server.stop()
        server.declared()
    changes = [f"{change.op} {change.name}" for change in steps.preview(work)]
    return Results(
        first,
        put_online,
        replaced,
        with_another_model,
        due,
        retrained,
        routed,
        result,
        server.subjects(),
        changes,
    )


def _requests_for_all_but_one(source: Path, target: Path) -> tuple[str, Path]:
    """Write requests that all versions must answer alike: for every model except the replaced one."""
    known = json.loads(source.read_text())
    uid = next(iter(known["inputs"]))
    del known["inputs"][uid]
    answers = {name: known["answers"]["v4"][name] for name in known["inputs"]}
    by_version = dict.fromkeys(("v4", "v5", "v6"), answers)
    target.write_text(json.dumps({"inputs": known["inputs"], "answers": by_version}))
    return uid, target


def _due(server: UpdateServer) -> str:
    """Return the scheduled update."""
    deadline = time.monotonic() + SECONDS
    while True:
        with server.client() as client:
            updates = client.get("/updates", params={"set": SET}).raise_for_status().json()
        if found := [each["id"] for each in updates if each["author"] == "schedule"]:
            return f"/updates/{found[0]}"
        assert time.monotonic() < deadline, updates
        time.sleep(0.2)


def test_the_first_version_of_a_set_puts_it_online(observed: Results) -> None:
    assert (observed.first["error"], observed.first["state"]) == (None, "done")
    assert observed.first["rollout"]["service"] == SERVICE
    assert (observed.put_online.live, [each.version for each in observed.put_online.clusters]) == (
        "d1",
        ["v4"],
    )
    assert [each.replicas for each in observed.put_online.clusters] == [2]


def test_one_model_that_is_sent_goes_live_with_the_others_as_they_were(observed: Results) -> None:
    assert (observed.replaced["error"], observed.replaced["state"], observed.replaced["version"]) == (
        None,
        "done",
        "v5",
    )
    assert observed.replaced["result"]["sent_models"] == 1
    assert observed.with_another_model.live == "d2"
    assert {each.id: each.version for each in observed.with_another_model.clusters} == {
        "d1": "v4",
        "d2": "v5",
    }


def test_what_is_due_is_trained_and_goes_live_by_itself(observed: Results) -> None:
    assert (observed.due["error"], observed.due["state"], observed.due["version"]) == (None, "done", "v6")
    # One model was trained again; all others are those of the version before.
    assert observed.due["result"]["sent_models"] == 1
    assert (observed.retrained.live, observed.routed) == ("d3", "d3")
    # The cluster that was live before stands by; the one before that, made by a rollout, is gone.
    assert {each.id: each.version for each in observed.retrained.clusters} == {"d2": "v5", "d3": "v6"}
    assert f"{SERVICE}: d3 is live in calendar" in observed.subjects


def test_nobody_noticed_and_everything_is_as_declared(observed: Results) -> None:
    assert observed.load.failed_total == 0, observed.load.failures
    assert {*observed.load.by_version} == {"v4", "v5", "v6"}
    assert observed.preview == []
