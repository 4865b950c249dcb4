"""Commands that send requests to an update server."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.command import BLUEGRID
from tests.support.updating import SOMEBODY, git

if TYPE_CHECKING:
    import httpx

    from tests.support.updating import Place


def run(client: httpx.Client, place: Place, *arguments: str) -> subprocess.CompletedProcess[str]:
    server = ("--server", str(client.base_url), "--token", place.tokens["training"])
    command = (str(BLUEGRID), "update", *arguments, *server)
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_schedule_is_listed(client: httpx.Client, place: Place) -> None:
    file = place.registry / "g1.yaml"
    update = "  update: {trainer: {command: [train]}, schedule: {when: daily}}\n"
    file.write_text(file.read_text().replace("source: platform\n", f"source: platform\n{update}"))
    done = run(client, place, "schedule", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["set"], row["when"], row["last"]) == ("g1", "daily", None)


def test_a_refusal_is_the_server_s_own_words(client: httpx.Client, place: Place) -> None:
    done = run(client, place, "retry", "7")
    assert done.returncode == 1
    assert (
        done.stderr == f"error: {client.base_url}/updates/7/retry: no update 7; `GET /updates` lists them\n"
    )


def test_a_server_that_does_not_answer_is_named(place: Place) -> None:
    command = (str(BLUEGRID), "update", "retry", "7", "--server", "http://127.0.0.1:9", "--token", "x")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: http://127.0.0.1:9/updates/7/retry: does not answer: ")


SERVICE = """\
service:
  name: line-loading
  live: d1
  clusters:
    - {id: d1, version: v1, cpu: 1, memory: 1Gi}
    - {id: d2, version: v2, cpu: 1, memory: 1Gi}
"""


def switching(client: httpx.Client | None, place: Place, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command with an update server in its environment."""
    server = str(client.base_url) if client else "http://127.0.0.1:9"
    asked = {"BLUEGRID_UPDATES": server, "BLUEGRID_TOKEN": place.tokens["looker"]}
    command = (str(BLUEGRID), *arguments, "--registry", str(place.registry))
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | asked)


@pytest.fixture
def marked(client: httpx.Client, place: Place) -> httpx.Client:
    """A service whose cluster d2 was live before and serves a bad version."""
    place.add_v2()
    file = place.registry / "g1.yaml"
    text = file.read_text() + SERVICE
    for live in ("d2", "d1"):
        file.write_text(text.replace("live: d1", f"live: {live}"))
        git("-C", place.folder, "init", "--quiet")
        git("-C", place.folder, "add", "registry")
        git("-C", place.folder, *SOMEBODY, "commit", "--quiet", f"--message={live}")
    mark = {"why": "every answer is NaN"}
    answer = client.put("/modelSets/g1/versions/v2/bad", json=mark, headers=place.headers("operator"))
    answer.raise_for_status()
    return client


def test_a_switch_to_a_version_that_is_marked_bad_is_warned_of(marked: httpx.Client, place: Place) -> None:
    done = switching(marked, place, "switch", "line-loading", "d2")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("warning: v2, which d2 serves, is marked bad by operator since ")
    assert done.stderr.endswith(": every answer is NaN\n")
    assert switching(marked, place, "switch", "line-loading", "d1").stderr == ""


def test_a_rollback_leads_to_no_version_that_is_marked_bad(marked: httpx.Client, place: Place) -> None:
    before = (place.registry / "g1.yaml").read_text()
    done = switching(marked, place, "rollback", "line-loading")
    assert done.returncode == 1
    assert done.stderr.startswith("error: v2, which d2 serves, is marked bad by operator")
    assert done.stderr.endswith("to make it live all the same: bluegrid switch line-loading d2\n")
    assert (place.registry / "g1.yaml").read_text() == before


def test_no_switch_waits_for_a_server_that_is_away(marked: httpx.Client, place: Place) -> None:
    done = switching(None, place, "rollback", "line-loading")
    assert done.returncode == 0, done.stderr
    assert "warning: whether the version of d2 is marked bad is not known: http://127.0.0.1:9" in done.stderr
