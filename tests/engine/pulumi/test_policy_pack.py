"""The policy pack, as the engine runs it: `pulumi preview --policy-pack policy`."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.engine.pulumi.conftest import CHECKOUT

if TYPE_CHECKING:
    from tests.engine.pulumi.conftest import Engine

PACK = ("--policy-pack", "policy")


def test_a_stack_that_keeps_the_rules_passes(north: Engine) -> None:
    ran = north.preview("north", *PACK)
    assert ran.exit_code == 0, ran.stdout + ran.stderr
    assert "bluegrid@v1.0.0" in ran.stdout


def test_an_image_without_a_digest_stops_the_update(demo: Engine) -> None:
    ran = demo.preview("demo", *PACK)
    assert ran.exit_code != 0
    assert "[mandatory]  image-by-digest  (kubernetes:apps/v1:Deployment: line-loading-d1)" in ran.stdout
    assert (
        "container model-server has image localhost/bluegrid/model-server:1, which can change" in ran.stdout
    )
    assert "limits-are-set" not in ran.stdout


def test_the_pack_goes_when_the_engine_is_killed(north: Engine) -> None:
    command = ["pulumi", "preview", "--stack", "north", "--config-file", str(north.config), *PACK]
    with subprocess.Popen(command, cwd=CHECKOUT, env=north.environment, stdout=subprocess.PIPE) as pulumi:
        assert pulumi.stdout is not None
        assert any(b"Loading policy packs...: done" in line for line in pulumi.stdout)
        started = psutil.Process(pulumi.pid).children(recursive=True)
        packs = [
            each for each in started if b"pulumi.policy" in Path(f"/proc/{each.pid}/cmdline").read_bytes()
        ]
        pulumi.kill()
    assert len(packs) == 1
    assert psutil.wait_procs(packs, timeout=30)[1] == []
