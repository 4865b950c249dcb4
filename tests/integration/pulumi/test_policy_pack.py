"""The policy pack, as the engine runs it: `pulumi preview --policy-pack bluegrid/policy`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from bluegrid.previews import Level, Rule
from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from tests.integration.pulumi.conftest import Engine

PACK = ("--policy-pack", str(CHECKOUT / "bluegrid" / "policy"))

# A program of another team can break rules that this project's program keeps.
BREAKS_ALL = """\
import pulumi, pulumi_kubernetes as kubernetes

opts = pulumi.ResourceOptions(provider=kubernetes.Provider("kubernetes", context="demo"))
backend = {"service": {"name": "line-loading-d9", "port": {"number": 12345}}}
rule = {"http": {"paths": [{"path": "/", "path_type": "Prefix", "backend": backend}]}}
kubernetes.networking.v1.Ingress("route", metadata={"name": "route"}, spec={"rules": [rule]}, opts=opts)
container = {"name": "server", "image": "server:1", "security_context": {"privileged": True}}
template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [container]}}
spec = {"selector": {"match_labels": {"app": "a"}}, "template": template}
kubernetes.apps.v1.Deployment("pods", metadata={"name": "pods"}, spec=spec, opts=opts)
none = {"name": "line-loading-d8"}
backend = {"service": {**none, "port": {"number": 12345}}}
rule = {"http": {"paths": [{"path": "/", "path_type": "Prefix", "backend": backend}]}}
kubernetes.networking.v1.Ingress("live", metadata={"name": "live"}, spec={"rules": [rule]}, opts=opts)
kubernetes.core.v1.Service("none", metadata=none, spec={"selector": {"app": "a"}}, opts=opts)
kubernetes.apps.v1.Deployment("none", metadata=none, spec={**spec, "replicas": 0}, opts=opts)
hard = {"hard": {"pods": "0"}}
kubernetes.core.v1.ResourceQuota("quota", metadata={"name": "quota"}, spec=hard, opts=opts)
"""


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


def test_a_live_cluster_without_pods_stops_the_update(north: Engine) -> None:
    config = ("--stack", "north", "--config-file", str(north.config))
    north.require("config", "set", "--path", "bluegrid:replicas.line-loading-d1", "0", *config)
    ran = north.preview("north", *PACK)
    assert ran.exit_code != 0
    assert "[mandatory]  live-has-pods" in ran.stdout
    assert "Deployment line-loading-d1: it is live and has no pods" in ran.stdout


def test_every_rule_of_the_pack_is_held(engine: Engine, tmp_path: Path) -> None:
    project = tmp_path / "a project"
    project.mkdir()
    (project / "env").symlink_to(Path(sys.prefix))
    (project / "Pulumi.yaml").write_text(
        "name: bluegrid\nruntime: {name: python, options: {\n  virtualenv: env\n}}\n"
    )
    (project / "__main__.py").write_text(BREAKS_ALL)
    engine.require("stack", "init", "broken", cwd=project)
    ran = engine.run("preview", "--stack", "broken", *PACK, cwd=project)
    assert ran.exit_code != 0
    message = set(re.findall(r"- \[mandatory\]  (\S+)", ran.stdout))
    # These rules need the state before the update.
    unknown = {Rule.LIVE_SERVICE, Rule.QUOTA_DURING}
    assert message == {rule for rule in Rule if rule.level is Level.MANDATORY} - unknown
    assert "Deployment line-loading-d8: it is live and has no pods: nobody would answer" in ran.stdout
    assert "ResourceQuota quota: pods: 1 needed by all pods, 0 allowed" in ran.stdout
    assert "Ingress route: its backend line-loading-d9 is not declared; declare it" in ran.stdout


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
