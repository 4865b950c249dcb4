"""An update server whose git and regions can be made to fail."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid.updates.rollouts import Stacks
from bluegrid.updates.serve import Options
from bluegrid_registry import Registry
from bluegrid_registry.registry_files.registry import parse
from tests.support.regions import Regions, answering
from tests.support.skops_files import skops_file
from tests.support.update_server import running_server
from tests.support.updating import SOMEBODY, content_digest, git, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import httpx

    from bluegrid.project import Stack
    from tests.support.updating import Place

RETRAINED = skops_file("model 1, retrained")
PATH = "/modelSets/g1/versions/v1/models/line-1"
SWITCHES = "/services/line-loading/switches"
ROLLOUT = "{to: live, bakeSeconds: 60, within: {atol: 1000}}"
QUALITY = "{to: live, bakeSeconds: 0, quality: {metric: mae, better: lower, worsen: 0.1}}"
SERVICE = """\
service:
  name: line-loading
  live: d1
  clusters:
    - {id: d1, version: v1, cpu: 1, memory: 1Gi}
"""
STANDBY = "    - {id: d2, version: v2, cpu: 1, memory: 1Gi}\n"


@dataclass(frozen=True)
class Grid:
    """The server, its git repository and its regions."""

    client: httpx.Client
    remote: Path
    regions: Regions
    work: Path
    operator: dict[str, str]

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let git not answer during the block."""
        aside = self.remote.with_name("aside.git")
        self.remote.rename(aside)
        try:
            yield
        finally:
            aside.rename(self.remote)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let git refuse pushes during the block."""
        hook = self.remote / "hooks" / "pre-receive"
        hook.write_text("#!/bin/sh\necho frozen until six >&2\nexit 1\n")
        hook.chmod(0o755)
        try:
            yield
        finally:
            hook.unlink()

    def commit(self, old: str, new: str) -> None:
        """Change the set's file, as another person."""
        file = self.work / "registry" / "g1.yaml"
        git("-C", self.work, "pull", "--quiet", "--ff-only", "origin", "main")
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
        git("-C", self.work, *SOMEBODY, "commit", "--quiet", "--all", "--message=By hand")
        git("-C", self.work, "push", "--quiet", "origin", "HEAD:main")

    def declared(self) -> str:
        """Return the live cluster in north, by the branch."""
        text = git("-C", self.remote, "show", "main:registry/g1.yaml") + "\n"
        return parse({Path("g1.yaml"): text}).service("line-loading").live_in("north")

    def update(self) -> httpx.Response:
        return self.client.put(PATH, content=RETRAINED, headers=content_digest(RETRAINED))

    def switch(self, cluster: str) -> httpx.Response:
        return self.client.post(SWITCHES, json={"cluster": cluster}, headers=self.operator)

    def look(self, answer: httpx.Response) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(answer.headers["Location"]).raise_for_status().json()
        return found

    def until_it_bakes(self, answer: httpx.Response) -> None:
        def is_baking(found: dict[str, Any]) -> bool:
            return "baking" in (found["rollout"] or {"step": ""})["step"]

        until(lambda: self.look(answer), is_baking)


@pytest.fixture
def grid(
    place: Place, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Grid]:
    file = place.registry / "g1.yaml"
    policy = QUALITY if "quality" in request.fixturenames else ROLLOUT
    update = f"update:\n    trainer: {{command: ['true']}}\n    rollout: {policy}\n"
    text = file.read_text().replace("source: platform\n", f"source: platform\n  {update}") + SERVICE
    if "standby" in request.fixturenames:
        row = next(line for line in text.splitlines(keepends=True) if "id: v1," in line)
        text = (
            text.replace(row, row + row.replace("id: v1", "id: v2") + row.replace("id: v1", "id: v3"))
            + STANDBY
        )
    file.write_text(text)
    remote: Path = request.getfixturevalue("remote")
    folder = tmp_path / "regions"
    folder.mkdir()
    regions = Regions(folder)

    def up(self: Stacks, stack: Stack, targets: Sequence[str], *_: object) -> None:
        service = Registry.load(self.folder / "registry").service("line-loading")
        if any(target.endswith("::line-loading") for target in targets):
            regions.set(stack.region, live=service.live_in(stack.region))

    monkeypatch.setattr(Stacks, "_up_once", up)
    monkeypatch.setattr(Stacks, "_resources_made", lambda *_: [])
    with answering(regions):
        options = Options(
            Path("registry"),
            place.store,
            tmp_path / "state",
            tmp_path / "tokens.yaml",
            git=str(remote),
            stacks=("north",),
            program=folder,
            stack_files=folder,
        )
        with running_server(options, place.headers("training")) as client:
            yield Grid(client, remote, regions, tmp_path / "work", place.headers("operator"))


@pytest.fixture
def quality() -> None:
    """Tests that use this fixture get a grid whose set demands quality."""


@pytest.fixture
def standby() -> None:
    """Tests that use this fixture get a grid in which cluster d2 serves v2, and v3 exists."""
