"""Two stacks in one namespace, on Pulumi's engine: one makes the platform, services move to the other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.integration.pulumi.kubernetes_of_manifests import Manifests, serving
from tests.integration.pulumi.region import Proxy, Region

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.pulumi.conftest import Engine, Ran

LINES = "north-lines"


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class TwoStacks:
    """The stack `north` with two services, and `north-lines`, which uses its platform and has none yet."""

    def __init__(self, region: Region, engine: Engine) -> None:
        self.region, self._engine = region, engine
        added = region.json("stack", "add", LINES, "--platform", "north", "--json", stack=None)
        for command in added["commands"]:
            program, *arguments = command.split()
            assert program == "pulumi"
            if arguments[0] == "up":
                arguments += ["--yes", "--skip-preview"]
            self.require(*arguments)

    def pulumi(self, *arguments: str) -> Ran:
        self._engine.environment = self.region.environment
        return self._engine.run(*arguments, cwd=self.region.folder)

    def require(self, *arguments: str) -> Ran:
        ran = self.pulumi(*arguments)
        assert ran.exit_code == 0, ran.stdout + ran.stderr
        return ran

    def require_no_changes(self) -> None:
        """Check that previews and updates of both stacks change nothing."""
        for stack in (LINES, "north"):
            self.require("preview", "--stack", stack, "--expect-no-changes")
            self.require("up", "--stack", stack, "--yes", "--skip-preview", "--expect-no-changes")

    def move(self, *services: str) -> Ran:
        return self.region.bluegrid("stack", "move", *services, "--dest", LINES, "--yes")

    def up(self, stack: str, **more: str) -> Ran:
        self._engine.environment = self.region.environment | more
        return self._engine.run("up", "--stack", stack, "--yes", "--skip-preview", cwd=self.region.folder)

    def refusal(self, *arguments: str) -> str:
        """Return the errors of a command that is refused, as one text."""
        ran = self.pulumi(*arguments)
        assert ran.exit_code != 0, ran.stdout
        return ran.stdout + ran.stderr


@pytest.fixture
def stacks(engine: Engine, tmp_path: Path, proxy: Proxy) -> Iterator[TwoStacks]:
    with serving() as manifests:
        yield _made(manifests, engine, tmp_path, proxy)


def _made(manifests: Manifests, engine: Engine, folder: Path, proxy: Proxy) -> TwoStacks:
    address = f"http://127.0.0.1:{manifests.server_port}"
    region = Region(engine, folder / "region", address, proxy)
    manifests.folders.append(region.folder / "manifests")
    region.up()
    return TwoStacks(region, engine)


def test_a_service_moves_and_nothing_in_kubernetes_changes(stacks: TwoStacks) -> None:
    made = [urn.split("::")[2].rpartition("$")[2] for urn in stacks.region.urns(LINES)]
    assert sorted(each for each in made if not each.startswith("pulumi:")) == [
        "bluegrid:serving:SharedPlatform",
        "kubernetes:core/v1:ServiceAccount",
    ]
    before = stacks.region.texts()
    moved = stacks.move("load-2")
    assert moved.exit_code == 0, moved.stdout + moved.stderr
    assert "regions: [north-lines]" in stacks.region.file(2).read_text()
    stacks.require_no_changes()
    assert stacks.region.texts() == before
    assert any("ModelService::load-2" in urn for urn in stacks.region.urns(LINES))
    assert not any("::load-2" in urn for urn in stacks.region.urns("north"))
    # Once more, as after an interruption: it has moved.
    assert stacks.move("load-2").exit_code == 0
    # A switch finds the stack by itself, and changes its route alone.
    switched = stacks.region.bluegrid("switch", "load-2", "d2", "--up", "--yes", stack=None)
    assert switched.exit_code == 0, switched.stdout + switched.stderr
    assert "stack north-lines is updated" in switched.stderr
    assert stacks.region.live("load-2") == "load-2-d2"
    assert stacks.region.live("load-1") == "load-1-d1"


def test_between_the_edit_and_the_states_both_stacks_refuse(stacks: TwoStacks) -> None:
    before = stacks.region.texts()
    stacks.region.edit(2, "  live: d1\n", "  live: d1\n  regions: [north-lines]\n")
    assert "load-2 is live and would be deleted" in stacks.up("north").stdout
    assert "service load-2 runs in namespace grid already" in stacks.up(LINES).stdout
    assert "service load-2 runs in namespace grid already" in stacks.refusal("preview", "--stack", LINES)
    assert stacks.region.texts() == before
    # The command completes the move.
    assert stacks.move("load-2").exit_code == 0
    stacks.require_no_changes()
    # The edit is taken back alone, as by a revert in git, or where states are moved by hand before the edit.
    stacks.region.edit(2, "  regions: [north-lines]\n", "")
    assert "load-2 is live and would be deleted" in stacks.up(LINES).stdout
    assert "service load-2 runs in namespace grid already" in stacks.up("north").stdout
    assert stacks.region.texts() == before


def test_destroying_one_keeps_what_the_other_needs(stacks: TwoStacks) -> None:
    assert stacks.move("load-2").exit_code == 0
    stacks.require_no_changes()
    before = stacks.region.texts()
    # A setting would take the platform away as well.
    stacks.require("config", "set", "--stack", "north", "bluegrid:platform", LINES)
    assert "stack north has made namespace grid itself" in stacks.refusal("preview", "--stack", "north")
    assert "stack north has made namespace grid itself" in stacks.up("north").stdout
    stacks.require("config", "rm", "--stack", "north", "bluegrid:platform")
    used = "namespace grid is used by north-lines with the platform of this stack"
    assert used in stacks.refusal("destroy", "--run-program", "--yes", "--stack", "north")
    assert stacks.region.texts() == before
    assert used in stacks.refusal("destroy", "--run-program", "--yes", "--skip-preview", "--stack", "north")
    left = stacks.region.texts()
    shared = ("namespace-", "networkpolicy-", "serviceaccount-", "secret-", "load-2")
    assert {name for name in before if any(part in name for part in shared)} <= {*left}
    stacks.require("destroy", "--run-program", "--yes", "--stack", LINES)
    after = stacks.region.texts()
    assert not any("load-2" in name or "north-lines" in name for name in after)
    assert any("networkpolicy" in name for name in after)
    stacks.require("destroy", "--run-program", "--yes", "--stack", "north")
    assert stacks.region.texts() == {}


def test_new_keys_leave_the_secret_that_others_need(stacks: TwoStacks) -> None:
    assert stacks.move("load-2").exit_code == 0
    stacks.require_no_changes()
    (old,) = (name for name in stacks.region.texts() if "secret-" in name)
    for stack in ("north", LINES):
        stacks.require("config", "set", "--secret", "--stack", stack, "bluegrid:storeSecretKey", "rotated")
    # Not before the platform has them.
    assert "namespace grid has no Secret with these keys" in stacks.up(LINES).stdout
    kept = stacks.up("north")
    assert kept.exit_code != 0
    assert "Secret bluegrid-store stays, since pods of load-2 in other stacks" in kept.stdout
    assert old in stacks.region.texts()
    for stack in (LINES, "north"):
        ran = stacks.up(stack)
        assert ran.exit_code == 0, ran.stdout
    assert old not in stacks.region.texts()
