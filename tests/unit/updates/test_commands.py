"""Commands that ask an update server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

    from tests.unit.updates.updating import Place

pytestmark = pytest.mark.process

BLUEGRID = Path(sys.executable).with_name("bluegrid")


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
