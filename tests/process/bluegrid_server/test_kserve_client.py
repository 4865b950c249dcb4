"""KServe's official client works with a pod."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from bluegrid.image import environment, packages
from tests.process.bluegrid_server.server_process import running, wait_until_ready
from tests.support.checkout import CHECKOUT
from tests.support.pods import BASE, Trained

if TYPE_CHECKING:
    from bluegrid_server.settings import Settings


def test_the_official_client_asks_in_json_and_in_binary(settings: Settings, trained: Trained) -> None:
    with running(settings) as (_, port):
        url = f"http://127.0.0.1:{port}{BASE.removesuffix('/v2')}"
        with httpx.Client(base_url=f"http://127.0.0.1:{port}{BASE}") as client:
            wait_until_ready(client)
        # From the lock file; in uv's cache after the first run.
        done = subprocess.run(
            [
                packages.uv(), "run", "--quiet", "--isolated", "--frozen",
                "--no-default-groups", "--only-group", "kserve", "--project", CHECKOUT,
                "python", Path(__file__).with_name("kserve_client.py"), url,
            ],
            env=environment.of_programs(),
            capture_output=True,
            text=True,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout.splitlines()[-1])
    assert (got["live"], got["ready"], got["model ready"]) == (True, True, True)
    for form in ("json", "binary"):
        assert got[form].pop("y") == pytest.approx(trained.predictions["line-1"])
        assert got[form] == {"id": "42", "model": "line-1"}
    assert got["refused"].startswith("no model 'line-9' in this version; nearest: line-")
