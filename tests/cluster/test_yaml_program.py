"""A program in YAML makes a region on a real Kubernetes, and switches and deletes under load."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

from tools import toolchain
from tools.demo import steps
from tools.demo.prepare import EXAMPLE
from tools.demo.workspace import SERVICE
from tools.load.process import Load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Ran, Workspace

HOST = "yaml.test"
RATE = 50


class YamlStack:
    """The stack of a program in YAML, whose registry and store are those of a workspace."""

    def __init__(self, work: Workspace) -> None:
        self.work, self.folder = work, work.state / "yaml"
        place = work.place
        services = {
            "type": "bluegrid:index:ModelServices",
            "properties": {
                "registry": str(work.registry),
                "region": work.stack,
                "kubeContext": place.context,
                "kubeconfig": str(place.kubeconfig),
                "namespace": work.namespace,
                "store": place.store,
                "storeAccessKey": place.reader.access_key,
                "storeSecretKey": {"fn::secret": place.reader.secret_key},
                "images": {"scikit-learn": place.image},
                "ingressClass": place.ingress_class,
                "host": HOST,
                "routeAddress": place.route_url,
                "routeKey": "${routeKey}",
                "requestFactor": 0.05,
                "readyTimeout": 180,
            },
        }
        program = {
            "name": "grid",
            "runtime": "yaml",
            "config": {"routeKey": {"type": "string", "secret": True}},
            "resources": {"services": services},
            "outputs": {"urls": "${services.urls}"},
        }
        self.folder.mkdir()
        YAML(typ="safe").dump(program, self.folder / "Pulumi.yaml")
        self.pulumi("stack", "init", "north").require()
        self.pulumi("config", "set", "--secret", "routeKey", "only the stack knows").require()

    def pulumi(self, *arguments: str) -> Ran:
        return self.work.run("pulumi", "--cwd", str(self.folder), *arguments)

    def up(self) -> Ran:
        return self.pulumi("up", "--yes", "--skip-preview").require()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin and the language host of YAML, on PATH."""
    plugin = tmp_path / "pulumi-resource-bluegrid"
    plugin.write_text(f'#!/bin/sh\nexec {sys.executable} -m bluegrid_components.plugin.server "$@"\n')
    plugin.chmod(0o755)
    host = toolchain.obtain(["pulumi-language-yaml"], toolchain.ProgressPrinter())["pulumi-language-yaml"]
    monkeypatch.setenv("PATH", os.pathsep.join((str(tmp_path), str(host.parent), os.environ["PATH"])))


@pytest.fixture
def stack(local: Local, programs: None) -> Iterator[YamlStack]:
    """A region made by a program in YAML: v1 is live on d1, v2 stands by on d2."""
    work = local.workspace("yaml", host=HOST)
    steps.declare_set(work, EXAMPLE)
    for version in ("v1", "v2"):
        steps.push(work, local.prepared.models / version, version)
    steps.declare_service(work)
    steps.add_cluster(work, "d2", "v2")
    stack = YamlStack(work)
    stack.up()
    yield stack
    stack.pulumi("destroy", "--yes", "--skip-preview", "--run-program").require()


def test_a_switch_and_a_delete_of_a_program_in_yaml_lose_no_request(stack: YamlStack, local: Local) -> None:
    work = stack.work
    urls = stack.pulumi("stack", "output", "urls", "--json").require().json()
    assert urls == {SERVICE: f"http://{HOST}/modelService/{SERVICE}"}
    requests, report = local.prepared.models / "requests.json", work.state / "load.json"
    with Load.start(work.place.route_url, SERVICE, requests, report, RATE, host=HOST) as load:
        load.wait_until(lambda figures: figures.ok > 0, seconds=30)
        steps.edit_live(work, "d2")
        planned = stack.pulumi("preview", "--json").require().json()["steps"]
        (changed,) = (each for each in planned if each["op"] != "same")
        assert [*changed["detailedDiff"]] == ["spec.rules[0].http.paths[0].backend.service.name"]
        stack.up()
        steps.remove_cluster(work, "d1")
        stack.up()
        results = load.stop()
    assert results.failed_total == 0, results.failures
    assert results.ok == results.sent > 0
    assert {*results.by_version} >= {"v1", "v2"}
