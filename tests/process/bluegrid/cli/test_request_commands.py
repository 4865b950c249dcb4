"""Updates are requested, listed, shown and cancelled by commands, at a real update server."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command import BLUEGRID
from tests.support.skops_files import skops_file

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.support.updating import Place

RETRAINED = skops_file("model 1, retrained")
NEW = skops_file("model 9, new")


def run(
    client: httpx.Client, place: Place, *arguments: str | Path, token: str = "training", **environment: str
) -> subprocess.CompletedProcess[str]:
    named = {"BLUEGRID_UPDATES": str(client.base_url), "BLUEGRID_TOKEN": place.tokens[token]}
    command = (str(BLUEGRID), "update", *map(str, arguments))
    environment = {**os.environ, **named, **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def data(client: httpx.Client, place: Place, *arguments: str | Path) -> Any:
    done = run(client, place, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with two models, one of which has an example and the other a lineage."""
    folder = tmp_path / "models"
    (folder / "feeder").mkdir(parents=True)
    (folder / "line-1.skops").write_bytes(RETRAINED)
    (folder / "feeder" / "9.skops").write_bytes(NEW)
    example = {"inputs": [[1.0]], "outputs": [2.0]}
    (folder / "examples.json").write_text(json.dumps({"line-1": example}))
    (folder / "lineage.json").write_text(json.dumps({"feeder/9": {"author": "ada"}}))
    return folder


def test_a_folder_becomes_a_whole_version(client: httpx.Client, place: Place, models: Path) -> None:
    done = run(client, place, "request", "g1", models, "--version", "2026-11", "--wait")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("g1: update 1 done, version 2026-11: 2 models, 2 sent (")
    assert done.stderr.splitlines()[-1] == "update 1: done"
    assert place.models("2026-11") == {"line-1": RETRAINED, "feeder/9": NEW}
    history = client.get("/modelSets/g1/models/feeder%2F9").json()
    assert history[0]["lineage"]["author"] == "ada"


def test_some_models_of_a_base_are_replaced_and_others_left_out(
    client: httpx.Client, place: Place, models: Path
) -> None:
    options = ("--base", "v1", "--only", "line-*", "--without", "line-2", "--wait")
    update = data(client, place, "request", "g1", models, *options)
    assert (update["state"], update["version"], update["author"]) == ("done", "v2", "training")
    assert place.models("v2") == {"line-0": place.models("v1")["line-0"], "line-1": RETRAINED}


def test_a_service_s_name_is_as_good_as_its_set_s(client: httpx.Client, place: Place, models: Path) -> None:
    file = place.registry / "g1.yaml"
    service = "{name: loads, live: d1, clusters: [{id: d1, version: v1, cpu: 1, memory: 1Gi}]}"
    file.write_text(f"{file.read_text()}service: {service}\n")
    assert data(client, place, "request", "loads", models)["set"] == "g1"
    done = run(client, place, "request", "load", models)
    assert done.returncode == 1
    assert done.stderr == f"error: {client.base_url}: no set or service load; sets: g1\n"


def test_the_same_models_are_the_same_upload(client: httpx.Client, place: Place, models: Path) -> None:
    first = data(client, place, "request", "g1", models, "--idempotency-key", "job-7")
    os.utime(models / "line-1.skops", (1, 1))
    assert data(client, place, "request", "g1", models, "--idempotency-key", "job-7") == first | {
        key: value
        for key, value in data(client, place, "show", str(first["id"])).items()
        if key in ("state", "version", "progress", "result", "ended")
    }


def test_an_update_that_fails_is_exit_code_1_with_the_server_s_reason(
    client: httpx.Client, place: Place, models: Path
) -> None:
    done = run(client, place, "request", "g1", "--path", "nightly", "--wait")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("error: g1: update 1 failed: ")
    assert "incoming/nightly/: holds nothing" in done.stderr
    shown = run(client, place, "show", "1")
    assert shown.returncode == 0
    lines = shown.stdout.splitlines()
    assert lines[:3] == ["id: 1", "set: g1", "state: failed"]
    assert "requested path: nightly" in lines
    assert run(client, place, "show", "1", "--wait").returncode == 1


def test_a_file_that_is_no_model_is_refused_before_anything_is_sent(
    client: httpx.Client, place: Place, models: Path
) -> None:
    (models / "notes.txt").write_text("no model")
    done = run(client, place, "request", "g1", models)
    assert done.returncode == 1
    assert "not taken: notes.txt" in done.stderr
    assert data(client, place, "list") == []
    assert data(client, place, "request", "g1", models, "--ignore", "*.txt")["state"] == "queued"
    done = run(client, place, "request", "g1", models, "--base", "v1", "--only", "bus-*", "--ignore", "*.txt")
    assert done.stderr == f"error: {models}: no model is named 'bus-*'; it has 2, such as feeder/9\n"


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("models", "--only", "line-1"), "name it with --base"),
        (("--only", "line-1"), "is for files in FOLDER: name the folder"),
        (("--parameter", "season=winter"), "add --train"),
        (("models", "--train"), "models come from one of them"),
    ],
)
def test_options_that_do_not_fit_together_are_wrong_usage(
    client: httpx.Client, place: Place, options: tuple[str, ...], fault: str
) -> None:
    done = run(client, place, "request", "g1", *options)
    assert done.returncode == 2
    assert fault in done.stderr


def test_updates_are_listed_by_set_and_state(client: httpx.Client, place: Place, models: Path) -> None:
    data(client, place, "request", "g1", models, "--wait")
    run(client, place, "request", "g1", "--path", "nightly", "--wait")
    assert [row["id"] for row in data(client, place, "list")] == [2, 1]
    assert [row["id"] for row in data(client, place, "list", "--state", "done", "--set", "g1")] == [1]
    head, failed, done = run(client, place, "list").stdout.splitlines()
    assert head.split() == ["UPDATE", "SET", "STATE", "VERSION", "AUTHOR", "CREATED", "STEP"]
    assert failed.split()[:3] == ["2", "g1", "failed"]
    assert done.split()[:5] == ["1", "g1", "done", "v2", "training"]
    refused = run(client, place, "list", "--state", "gone")
    assert refused.returncode == 1
    assert "queued" in refused.stderr


def declare_trainer(place: Place, command: str) -> None:
    file = place.registry / "g1.yaml"
    update = f"update: {{trainer: {{command: {command}}}}}"
    file.write_text(file.read_text().replace("source: platform\n", f"source: platform\n  {update}\n"))


def test_a_training_that_changes_nothing_is_exit_code_0(client: httpx.Client, place: Place) -> None:
    declare_trainer(place, "['true']")
    done = run(client, place, "request", "g1", "--base", "v1", "--train", "--wait")
    assert done.returncode == 0, done.stderr
    words = "nothing has changed since v1, so there is no new version"
    assert done.stdout == f"g1: update 1 done: {words}\n"
    assert f"result: {words}" in run(client, place, "show", "1").stdout.splitlines()
    (row,) = run(client, place, "list").stdout.splitlines()[1:]
    assert row.split()[:4] == ["1", "g1", "done", "-"]
    assert row.endswith(words)
    assert data(client, place, "show", "1", "--wait")["version"] is None


def test_an_update_is_cancelled_before_it_has_ended(client: httpx.Client, place: Place) -> None:
    declare_trainer(place, "[sleep, '600']")
    update = data(client, place, "request", "g1", "--base", "v1", "--train")
    assert update["wanted"]["train"] == {}
    waited = run(client, place, "show", str(update["id"]), "--wait", "--timeout", "1s")
    assert waited.returncode == 1
    assert f"it goes on: `bluegrid update show {update['id']}`" in waited.stderr
    assert data(client, place, "cancel", str(update["id"]))["cancel"]
    ended = run(client, place, "show", str(update["id"]), "--wait", "--timeout", "1m")
    assert ended.stderr.splitlines()[-1].startswith(f"error: g1: update {update['id']} cancelled")
    again = run(client, place, "cancel", str(update["id"]))
    assert again.returncode == 1


def test_a_token_is_read_from_a_file(client: httpx.Client, place: Place, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{place.tokens['training']}\n")
    found = run(client, place, "list", "--token-file", tmp_path / "token", BLUEGRID_TOKEN="")
    assert found.returncode == 0, found.stderr
    found = run(client, place, "list", BLUEGRID_TOKEN="", BLUEGRID_TOKEN_FILE=str(tmp_path / "token"))
    assert found.returncode == 0, found.stderr
    none = run(client, place, "list", BLUEGRID_TOKEN="")
    fault = f"error: no token of {client.base_url} is named; "
    assert none.stderr == f"{fault}set BLUEGRID_TOKEN, or name a file: --token-file FILE\n"
    missing = run(client, place, "list", "--token-file", tmp_path / "absent")
    assert missing.stderr.startswith(f"error: --token-file {tmp_path}/absent: cannot be read: ")


def test_a_token_without_the_right_is_refused_in_the_server_s_words(
    client: httpx.Client, place: Place, models: Path
) -> None:
    done = run(client, place, "request", "g1", models, token="looker")
    assert done.returncode == 1
    assert "looker" in done.stderr
    assert done.stderr.count("\n") == 1
