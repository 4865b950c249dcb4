"""A set's trainer makes its models, by request and on a schedule."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from ruamel.yaml import YAML

from bluegrid.updates.jobs.audit_log import AuditLog
from bluegrid.updates.jobs.database import Database
from bluegrid.updates.publishing.training import Training
from bluegrid.updates.serve import Options
from bluegrid_registry import KeyAlgorithm, ModelSet, PrivateKey, load_set
from tests.support.checkout import CHECKOUT
from tests.support.skops_files import skops_file
from tests.support.update_server import running_server
from tests.support.updating import SECONDS, ended

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.support.updating import Place


TRAINER = """\
import json, os, pathlib, sys, time
sys.path.insert(0, {checkout!r})
from tests.support.skops_files import skops_file
request = json.load(sys.stdin)
pathlib.Path({marks!r}).with_name("request.json").write_text(json.dumps(request))
is_secret = "AWS_SECRET_ACCESS_KEY" in os.environ
print("request", sorted(request), "secret" if is_secret else "no secret", flush=True)
parameters = request["parameters"]
if parameters["fault"]:
    sys.exit("the grid has no data")
pathlib.Path({marks!r}, f"run-{{os.getpid()}}").touch()
if parameters["daemon"]:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            pathlib.Path({marks!r}, f"run-{{os.getpid()}}").touch()
            time.sleep(600)
        os._exit(0)
time.sleep(parameters["seconds"])
for number in range(2):
    model = skops_file(f"{{request['base']}} {{parameters['flows']}} {{number}}")
    pathlib.Path(request["folder"], f"line-{{number}}.skops").write_bytes(model)
for name in parameters["leaves"].split():
    pathlib.Path(request["folder"], name).write_bytes(b"no model")
"""


@pytest.fixture
def marks(place: Place) -> Path:
    """A folder with a file for each run of the trainer, named after its process ID."""
    folder = place.folder / "marks"
    folder.mkdir()
    script = place.folder / "trainer.py"
    checkout = str(CHECKOUT)
    script.write_text(TRAINER.format(checkout=checkout, marks=str(folder)))
    file = place.registry / "g1.yaml"
    yaml = YAML()
    document = yaml.load(file)
    document["set"]["update"] = {
        "trainer": {
            "command": [sys.executable, str(script)],
            "timeoutSeconds": 30,
            "parameters": {
                "flows": {"type": "integer", "default": 120},
                "seconds": {"type": "number", "default": 0},
                "fault": {"type": "boolean", "default": False},
                "daemon": {"type": "boolean", "default": False},
                "leaves": {"type": "string", "default": ""},
            },
        },
        "schedule": {"when": "30 2 * * *", "timeZone": "Europe/Berlin", "jitterSeconds": 600},
    }
    yaml.dump(document, file)
    return folder


def runs(marks: Path) -> list[int]:
    return [int(path.name.removeprefix("run-")) for path in marks.iterdir()]


def train(client: httpx.Client, **parameters: object) -> httpx.Response:
    return client.post("/modelSets/g1/updates", json={"base": "v1", "train": parameters})


def until_it_trains(marks: Path) -> int:
    deadline = time.monotonic() + SECONDS
    while not (found := runs(marks)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found[0]


def test_a_request_trains_with_its_parameters_and_keeps_what_is_not_trained(
    marks: Path, client: httpx.Client, place: Place
) -> None:
    update = ended(client, train(client, flows=60))
    assert (update["state"], update["result"]["models"]) == ("done", 3)
    other = ended(client, train(client, flows=60))
    assert other["result"]["sent_models"] == 0
    models = place.models("v2")
    assert models["line-2"] == place.models("v1")["line-2"]
    assert models["line-0"] != place.models("v1")["line-0"]
    assert models == place.models("v3")
    assert place.models(ended(client, train(client))["version"]) != models
    assert list((place.folder / "state" / "trained").iterdir()) == []


def test_a_trainer_gets_what_the_registry_says_of_the_base(
    marks: Path, client: httpx.Client, place: Place
) -> None:
    key = PrivateKey.generate(KeyAlgorithm.ED25519).public("ops-2026")
    file, yaml = place.registry / "g1.yaml", YAML()
    document = yaml.load(file)
    document["set"]["keys"] = [{"id": key.id, "public": key.text}]
    yaml.dump(document, file)
    pinned = load_set(place.registry, "g1").version("v1").manifest
    for base, digest in (("v1", pinned), (None, None)):
        body: dict[str, object] = {"base": base, "train": {}}
        assert ended(client, client.post("/modelSets/g1/updates", json=body))["state"] == "done"
        request = json.loads((place.folder / "request.json").read_text())
        assert (request["set"], request["type"]) == ("g1", "scikit-learn/skops")
        assert (request["base"], request["baseManifest"]) == (base, digest)
        assert request["publicKeys"] == [{"id": key.id, "public": key.text}]


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"leaves": "line-2.onnx model.ckpt"}, "not taken: line-2.onnx, model.ckpt; a model of this set is"),
        ({"fault": True}, "exit code 1; its last lines: request"),
        ({"fault": True}, "no secret; the grid has no data"),
    ],
)
def test_a_trainer_that_cannot_work_fails_the_update_with_its_own_words(
    marks: Path,
    client: httpx.Client,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    parameters: dict[str, object],
    reason: str,
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the server alone")
    update = ended(client, train(client, **parameters))
    assert update["state"] == "failed"
    assert reason in update["error"]
    assert place.versions() == ["v1"]


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"colour": "red"}, "parameter colour is not declared; known: flows, seconds, fault, daemon, leaves"),
        ({"flows": "many"}, "parameter flows: 'many' is not of type integer"),
        ({"flows": True}, "parameter flows: True is not of type integer"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused_at_once(
    marks: Path, client: httpx.Client, parameters: dict[str, object], reason: str
) -> None:
    refused = train(client, **parameters)
    assert (refused.status_code, refused.json()["error"]) == (409, reason)
    assert client.get("/updates").json() == []


def test_what_a_trainer_leaves_beside_its_models_is_ignored_where_the_set_says_so(
    marks: Path, client: httpx.Client, place: Place
) -> None:
    place.ignore("*.ckpt")
    update = ended(client, train(client, leaves="model.ckpt"))
    assert (update["state"], update["result"]["models"]) == ("done", 3)


def test_a_trainer_that_runs_is_ended_when_its_update_is_cancelled(
    marks: Path, client: httpx.Client, place: Place
) -> None:
    answer = train(client, seconds=600)
    pid = until_it_trains(marks)
    client.post(f"{answer.headers['Location']}/cancel").raise_for_status()
    assert ended(client, answer)["state"] == "cancelled"
    assert not psutil.pid_exists(pid)
    assert place.versions() == ["v1"]


def test_a_daemon_that_a_trainer_leaves_behind_ends_with_it_and_holds_up_nothing(
    marks: Path, client: httpx.Client, place: Place
) -> None:
    """It has a session of its own, and keeps the trainer's output open."""
    update = ended(client, train(client, daemon=True, seconds=1))
    assert (update["state"], update["result"]["models"]) == ("done", 3)
    assert len(runs(marks)) == 2
    assert not [pid for pid in runs(marks) if psutil.pid_exists(pid)]


def test_a_daemon_ends_when_its_update_is_cancelled(marks: Path, client: httpx.Client) -> None:
    answer = train(client, daemon=True, seconds=600)
    deadline = time.monotonic() + SECONDS
    while len(runs(marks)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    client.post(f"{answer.headers['Location']}/cancel").raise_for_status()
    assert ended(client, answer)["state"] == "cancelled"
    assert not [pid for pid in runs(marks) if psutil.pid_exists(pid)]


def test_a_trainer_ends_at_its_time_out_with_its_last_words(
    marks: Path, client: httpx.Client, place: Place
) -> None:
    file = place.registry / "g1.yaml"
    file.write_text(file.read_text().replace("timeoutSeconds: 30", "timeoutSeconds: 2"))
    answer = train(client, daemon=True, seconds=600)
    update = ended(client, answer)
    assert update["state"] == "failed"
    assert "the trainer took more than 2 s; its last lines: request" in update["error"]
    assert not [pid for pid in runs(marks) if psutil.pid_exists(pid)]
    printed = client.get(f"{answer.headers['Location']}/output").json()
    assert printed["ended"] is not None
    assert printed["seconds"] >= printed["timeout_seconds"]
    (line,) = printed["lines"]
    assert line.startswith("request ")


def test_a_trainer_does_not_find_the_server_s_secrets_in_its_environment(place: Place) -> None:
    reads = (
        "import os, pathlib; parent = os.getppid();"
        "print(b'of the server alone' in pathlib.Path(f'/proc/{parent}/environ').read_bytes())"
    )
    program = (
        "import os, subprocess, sys; from bluegrid.updates.secrecy import hide_environment;"
        "hide_environment();"
        f"subprocess.run([sys.executable, '-c', {reads!r}], env={{}}); print(os.environ['SECRET']);"
        "subprocess.run(['sh', '-c', 'echo $SECRET'])"
    )
    environment = os.environ | {"SECRET": "of the server alone"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    # The server itself and its own children still have it.
    assert sorted(done.stdout.splitlines()) == ["False", "of the server alone", "of the server alone"]


def add_set(place: Place, set_id: str) -> None:
    """Add a set with the trainer of g1, and its own version."""
    file = place.registry / "g1.yaml"
    text = file.read_text()
    versions = text.index("versions:")
    (place.registry / f"{set_id}.yaml").write_text(
        text[:versions].replace("id: g1", f"id: {set_id}") + "versions: []\n"
    )
    models = {f"line-{number}": skops_file(f"{set_id} {number}") for number in range(3)}
    ModelSet.open(set_id, place.registry, place.store).push("v1", models)


def test_nobody_waits_for_the_training_of_another_set(
    marks: Path, client: httpx.Client, place: Place
) -> None:
    add_set(place, "g2")
    long = train(client, seconds=600)
    until_it_trains(marks)
    wanted = {"base": "v1", "without": ["line-1"]}
    assert ended(client, client.post("/modelSets/g2/updates", json=wanted))["state"] == "done"
    other = client.post("/modelSets/g2/updates", json={"base": "v1", "train": {}})
    assert ended(client, other)["state"] == "done"
    # Updates of the same set run one after the other.
    after = client.post("/modelSets/g1/updates", json=wanted)
    assert client.get(after.headers["Location"]).json()["state"] == "queued"
    assert client.get(long.headers["Location"]).json()["state"] == "running"
    client.post(f"{long.headers['Location']}/cancel").raise_for_status()
    assert ended(client, long)["state"] == "cancelled"
    assert ended(client, after)["state"] == "done"


def test_no_more_trainers_run_at_once_than_the_server_is_given(
    marks: Path, client: httpx.Client, place: Place
) -> None:
    sets = ["g1", "g2", "g3"]
    for set_id in sets[1:]:
        add_set(place, set_id)
    body = {"base": "v1", "train": {"seconds": 600}}
    updates = [client.post(f"/modelSets/{set_id}/updates", json=body) for set_id in sets]
    deadline = time.monotonic() + SECONDS
    while len(runs(marks)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(1)
    states = [client.get(update.headers["Location"]).json()["state"] for update in updates]
    assert (len(runs(marks)), states) == (2, ["running", "running", "queued"])
    for update in updates:
        client.post(f"{update.headers['Location']}/cancel").raise_for_status()
    assert [ended(client, update)["state"] for update in updates] == ["cancelled"] * 3


def test_an_update_waits_for_room_on_the_disk(
    marks: Path, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, faults = Training.run, [OSError(errno.ENOSPC, "No space left on device")]

    def full_at_first(*given: Any) -> None:
        if faults:
            raise faults.pop()
        run(*given)

    monkeypatch.setattr(Training, "run", full_at_first)
    answer = train(client)
    waiting = ended(client, answer)
    assert (waiting["state"], waiting["error"]) == ("waiting", "the server's disk is full; free space")
    client.post(f"{answer.headers['Location']}/retry").raise_for_status()
    deadline = time.monotonic() + SECONDS
    while (found := ended(client, answer))["state"] != "done":
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def test_a_server_that_ends_waits_for_no_training(marks: Path, place: Place) -> None:
    options = Options(place.registry, place.store, place.folder / "state", place.folder / "tokens.yaml")
    with running_server(options, place.headers("training")) as client:
        update = train(client, seconds=600)
        process = until_it_trains(marks)
        began = time.monotonic()
    assert time.monotonic() - began < 25
    assert not psutil.pid_exists(process)
    with running_server(options, place.headers("training")) as client:
        assert client.get(update.headers["Location"]).json()["state"] == "running"
        client.post(f"{update.headers['Location']}/cancel").raise_for_status()
        assert ended(client, update)["state"] == "cancelled"
    events = AuditLog(Database.open(place.folder / "state" / "journal.sqlite")).events(0, 100)
    assert [event.act for event in events] == ["requested", "started", "resumed", "cancel", "cancelled"]


def test_a_set_without_a_trainer_says_so(client: httpx.Client) -> None:
    refused = train(client)
    assert refused.status_code == 409
    assert "set g1 has no trainer; name it in the registry" in refused.json()["error"]


def test_a_schedule_is_shown_with_its_last_and_its_next_run(marks: Path, client: httpx.Client) -> None:
    (row,) = client.get("/schedules").json()
    assert (row["set"], row["when"], row["time_zone"], row["last"]) == (
        "g1",
        "30 2 * * *",
        "Europe/Berlin",
        None,
    )
    assert datetime.fromisoformat(row["next"]) > datetime.now(UTC)
