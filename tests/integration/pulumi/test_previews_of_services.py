"""`bluegrid ci preview` of the services that a change concerns says of them what a preview of all says."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid.previews import Finding, Plan, check_plan, read_plan
from tests.integration.pulumi.conftest import Engine
from tests.integration.pulumi.deployed import import_as_made, leave_outputs
from tests.support.checkout import CHECKOUT
from tests.support.command import BLUEGRID

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STACK = "demo"
NAMES = ("load", "wind", "solar")
SETTINGS = {
    "kubeContext": "demo",
    "store": "s3://models/bluegrid?endpoint=https://store.example.org&region=eu-central-1",
    "image": f"registry.example.org/bluegrid/model-server@sha256:{'5' * 64}",
    "ingressClass": "contour",
    "quotaCpu": "12",
}
# d1 and d2 of each of the three take two CPUs each: all of the quota.
FILE = """\
set: {{id: {name}, name: {name}, task: t, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "sha256:{one}", updated: 2026-11-21T08:00:00Z}}
  - {{id: v2, manifest: "sha256:{two}", updated: 2026-11-22T08:00:00Z}}
service:
  name: {name}
  live: {live}
  clusters:
    - {{id: d1, version: v1, replicas: 1, cpu: 2, memory: 1Gi}}
{more}"""
SECOND = "    - {id: d2, version: v2, replicas: 1, cpu: 2, memory: 1Gi}\n"


class Project:
    """A project in git of three services, whose state says that they are up."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine, self.folder = engine, folder
        for name in ("registry", "stacks"):
            (folder / name).mkdir(parents=True)
        (folder / "__main__.py").write_text((CHECKOUT / "__main__.py").read_text())
        (folder / ".venv").symlink_to(CHECKOUT / ".venv")
        (folder / ".gitignore").write_text(".venv\npreviews/\n")
        (folder / "Pulumi.yaml").write_text(
            "name: bluegrid\nruntime: {name: python, options: {virtualenv: .venv}}\nstackConfigDir: stacks\n"
        )
        for name in NAMES:
            self.declare(name)
        engine.create_stack(STACK, {"registry": str(folder / "registry"), **SETTINGS})
        import_as_made(engine, STACK, folder.parent)
        urls: Any = {name: f"/modelService/{name}" for name in NAMES}
        leave_outputs(engine, STACK, folder.parent, {"urls": urls})
        settings = engine.config.read_text().replace(str(folder / "registry"), "registry")
        (folder / "stacks" / f"Pulumi.{STACK}.yaml").write_text(settings)
        self._git("init", "--quiet")
        self._git("add", ".")
        self._git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "base")
        self._git("tag", "base")

    def declare(self, name: str, live: str = "d1", more: str = SECOND) -> None:
        text = FILE.format(name=name, one="1" * 64, two="2" * 64, live=live, more=more)
        (self.folder / "registry" / f"{name}.yaml").write_text(text)

    def preview(self, *options: str) -> Plan:
        command: list[str | Path] = [BLUEGRID, "ci", "preview", STACK, "--base-commit", "base", *options]
        subprocess.run(command, cwd=self.folder, env=self._engine.environment, check=True)
        return read_plan(self.folder / "previews" / f"{STACK}.json")

    def restore(self) -> None:
        self._git("checkout", "--quiet", ".")
        self._git("clean", "--quiet", "--force", "registry")

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", self.folder, *arguments], check=True)


@pytest.fixture(scope="module")
def up(programs_path: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("previews")
    return Project(Engine(programs_path, folder), folder / "grid")


@pytest.fixture
def project(up: Project) -> Project:
    up.restore()
    return up


def switch(project: Project) -> None:
    project.declare("wind", live="d2")


def remove_cluster(project: Project) -> None:
    project.declare("wind", more="")


def add_pods(project: Project) -> None:
    project.declare("wind", more=SECOND.replace("replicas: 1", "replicas: 2"))


def remove_service(project: Project) -> None:
    (project.folder / "registry" / "wind.yaml").unlink()


def rename_service(project: Project) -> None:
    remove_service(project)
    project.declare("breeze")


@pytest.mark.parametrize(
    ("edit", "covered"),
    [
        (switch, ("wind",)),
        (remove_cluster, ("wind",)),
        (add_pods, ("wind",)),
        (remove_service, ("wind",)),
        (rename_service, ("breeze", "wind")),
    ],
)
def test_changes_and_findings_are_those_of_a_preview_of_all_services(
    project: Project, edit: Callable[[Project], None], covered: tuple[str, ...]
) -> None:
    edit(project)
    some, whole = project.preview(), project.preview("--all")
    assert some.excerpt is not None
    assert (some.excerpt.services, whole.excerpt) == (covered, None)
    assert changes(some) == changes(whole) != []
    assert findings(some) == findings(whole)
    assert len(some.steps) < len(whole.steps)


def test_the_quota_is_that_of_all_services(project: Project) -> None:
    add_pods(project)
    (short,) = [each for each in check_plan(project.preview()) if each.rule == "quota-suffices"]
    assert short.message == "requests.cpu: 14 needed by all pods, 12 allowed; raise the quota or ask for less"


def test_the_stack_itself_is_only_read(project: Project) -> None:
    state = next((project.folder.parent / "backend").rglob(f"{STACK}.json"))
    before = state.read_bytes()
    switch(project)
    project.preview()
    assert state.read_bytes() == before


def changes(plan: Plan) -> list[Any]:
    """Return what a plan changes, but for the stack's outputs, which follow from it."""
    steps = [each for each in plan.steps if each.op != "same" and each.type != "pulumi:pulumi:Stack"]
    return sorted((each.urn, each.op, json.dumps(each.detailed_diff, sort_keys=True)) for each in steps)


def findings(plan: Plan) -> list[str]:
    """Return the rules that a plan breaks."""
    found: list[Finding] = check_plan(plan)
    return sorted(map(str, found))
