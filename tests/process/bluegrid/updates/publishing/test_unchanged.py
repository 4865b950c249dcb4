"""A training that changes nothing ends well, without a version."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from bluegrid.updates.jobs.audit_log import AuditAction
from bluegrid.updates.jobs.database import Database
from bluegrid.updates.jobs.update import SCHEDULE, UpdateRequest
from bluegrid.updates.jobs.update_queue import UpdateQueue
from bluegrid.updates.serve import Options
from tests.support.skops_files import skops_file
from tests.support.update_server import running_server
from tests.support.updating import content_digest, ended, until, upload

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.support.updating import Place

TRAINER = """\
import json, shutil, sys
shutil.copytree(sys.argv[1], json.load(sys.stdin)["folder"], dirs_exist_ok=True)
"""


@pytest.fixture
def left(place: Place) -> Path:
    """A folder whose files the set's trainer leaves."""
    folder = place.folder / "left"
    folder.mkdir()
    file, yaml = place.registry / "g1.yaml", YAML()
    document = yaml.load(file)
    document["set"]["update"] = {"trainer": {"command": [sys.executable, "-c", TRAINER, str(folder)]}}
    yaml.dump(document, file)
    return folder


def train(client: httpx.Client, **wanted: object) -> dict[str, Any]:
    return ended(client, client.post("/modelSets/g1/updates", json={"base": "v1", "train": {}, **wanted}))


def write(folder: Path, place: Place, *uids: str) -> None:
    """Write models of v1 to a folder."""
    models = place.models("v1")
    for uid in uids:
        (folder / f"{uid}.skops").write_bytes(models[uid])


@pytest.mark.parametrize("uids", [(), ("line-0",), ("line-0", "line-1", "line-2")])
def test_a_training_that_changes_nothing_is_done_without_a_version(
    left: Path, client: httpx.Client, place: Place, uids: tuple[str, ...]
) -> None:
    write(left, place, *uids)
    update = train(client)
    assert update["state"] == "done"
    assert (update["version"], update["result"], update["error"]) == (None, None, None)
    assert place.versions() == ["v1"]
    assert [event["act"] for event in client.get("/audit-events").json()] == ["requested", "started", "done"]
    assert 'bluegrid_updates{state="done"} 1\n' in client.get("/metrics").text
    (listed,) = client.get("/updates?state=done").json()
    assert listed["id"] == update["id"]
    # The next one is as any other.
    (left / "line-1.skops").write_bytes(skops_file("model 1, retrained"))
    after = train(client)
    assert (after["state"], after["version"]) == ("done", "v2")
    until(lambda: [*(place.folder / "state" / "trained").iterdir()], lambda found: found == [])


def test_the_same_models_with_another_lineage_are_a_version(
    left: Path, client: httpx.Client, place: Place
) -> None:
    write(left, place, "line-0")
    (left / "lineage.json").write_text('{"line-0": {"run": "run-7", "metrics": {"mae": 0.5}}}')
    first = train(client)
    assert (first["version"], first["result"]["sent_models"]) == ("v2", 0)
    again = train(client, base="v2")
    assert (again["state"], again["version"]) == ("done", None)


def test_a_version_that_was_requested_by_its_id_is_made_all_the_same(
    left: Path, client: httpx.Client, place: Place
) -> None:
    update = train(client, version="2026-11")
    assert (update["state"], update["version"], update["result"]["models"]) == ("done", "2026-11", 3)
    assert place.models("2026-11") == place.models("v1")


def test_models_to_leave_out_are_left_out_though_none_was_trained(
    left: Path, client: httpx.Client, place: Place
) -> None:
    update = train(client, without=["line-2"])
    assert (update["state"], update["version"], update["result"]["models"]) == ("done", "v2", 2)


def test_a_trainer_without_a_base_must_leave_a_model(left: Path, client: httpx.Client, place: Place) -> None:
    update = train(client, base=None)
    assert update["state"] == "failed"
    assert "no model in it" in update["error"]
    assert place.versions() == ["v1"]


def test_files_that_are_no_models_fail_the_update_though_no_model_was_trained(
    left: Path, client: httpx.Client, place: Place
) -> None:
    (left / "line-1.onnx").write_bytes(b"no model of this set")
    update = train(client)
    assert update["state"] == "failed"
    assert "not taken: line-1.onnx" in update["error"]


def test_a_model_that_is_sent_makes_a_version_even_if_it_is_that_of_the_base(
    client: httpx.Client, place: Place
) -> None:
    same = place.models("v1")["line-1"]
    path = "/modelSets/g1/versions/v1/models/line-1"
    put = ended(client, client.put(path, content=same, headers=content_digest(same)))
    assert (put["version"], put["result"]["sent_models"]) == ("v2", 0)
    body = {"base": "v1", "models": {"line-1": upload(client, same)}}
    assert ended(client, client.post("/modelSets/g1/updates", json=body))["version"] == "v3"


def test_a_version_whose_id_a_killed_server_had_chosen_is_made(left: Path, place: Place) -> None:
    """Its models may be in the store, or its row in the registry: an earlier release made such versions."""
    state = place.folder / "state"
    state.mkdir()
    queue = UpdateQueue(Database.open(state / "journal.sqlite"))
    chosen = queue.add("g1", UpdateRequest(base="v1", train={}), SCHEDULE, None)
    queue.note_version(chosen.id, "v2")
    options = Options(place.registry, place.store, state, place.folder / "tokens.yaml")
    with running_server(options, place.headers("training")) as client:
        update = until(lambda: client.get(f"/updates/{chosen.id}").json(), lambda found: found["ended"])
        acts = [event["act"] for event in client.get("/audit-events").json()]
    assert (update["state"], update["version"]) == ("done", "v2")
    assert AuditAction.PUBLISHED in acts
    assert place.versions() == ["v1", "v2"]
