"""The server is killed at any moment and started again; each requested update is applied exactly once."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from bluegrid_registry import Registry, open_store, verify
from tests.support.command import BLUEGRID
from tests.support.endurance import scale
from tests.support.skops_files import skops_file
from tests.support.updating import ended, git, upload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.updating import Place


KILLS = scale(4, 60)
UPDATES = 6


@contextmanager
def serving(place: Place, git: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    command: list[str | Path] = [
        BLUEGRID,
        "server",
        "start",
        "--port",
        "0",
        "--git",
        git,
        "--registry",
        "registry",
    ]
    command += ["--store", place.store, "--state-folder", place.folder / "state"]
    command += ["--tokens", place.folder / "tokens.yaml"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            found = next(
                match for line in process.stderr if (match := re.search(r"http://127\.0\.0\.1:\d+", line))
            )
            with httpx.Client(base_url=found[0], headers=place.headers("training"), timeout=30) as client:
                yield process, client
        finally:
            process.kill()


def test_every_update_comes_about_once_however_often_the_server_is_killed(place: Place, remote: Path) -> None:
    chance = random.Random(7)
    with serving(place, remote) as (process, client):
        answers = [
            client.post(
                "/modelSets/g1/updates",
                json={"base": "v1", "models": {"line-1": upload(client, skops_file(f"retrained {number}"))}},
                headers={"Idempotency-Key": f"key-{number}"},
            )
            for number in range(UPDATES)
        ]
        process.send_signal(signal.SIGKILL)
    for _ in range(KILLS):
        with serving(place, remote) as (process, _):
            time.sleep(chance.uniform(0, 0.6))  # a random moment
            process.send_signal(signal.SIGKILL)
    with serving(place, remote) as (_, client):
        updates = [ended(client, answer) for answer in answers]
    assert [update["state"] for update in updates] == ["done"] * UPDATES
    versions = [update["version"] for update in updates]
    assert versions == [f"v{number}" for number in range(2, 2 + UPDATES)]
    log = git("-C", remote, "log", "--format=%s", "main").splitlines()
    assert [line.split()[2] for line in reversed(log[:-1])] == versions
    file = Registry.load(place.folder / "state" / "clone" / "registry").of_set("g1")
    assert verify(open_store(place.store), "g1", file.versions).is_sound
