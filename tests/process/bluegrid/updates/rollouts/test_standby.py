"""The state that an interrupted rollout leaves behind, if it cannot be resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from bluegrid.project import UpFailed, find_stack
from bluegrid.promotion import BakeProgress, Outcome, Stage
from bluegrid.updates.jobs.update import RolloutStatus
from bluegrid.updates.rollouts.context import RolloutContext
from bluegrid.updates.rollouts.failures import RolloutFailed
from bluegrid.updates.rollouts.progress import RolloutProgress
from bluegrid.updates.rollouts.standby import StandbyRollout
from bluegrid_registry import Registry, open_store, switch, unify_live
from bluegrid_registry.registry_files.update_policy import RolloutKind, RolloutPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from bluegrid.project import Stack, Target
    from bluegrid.updates.rollouts.git_applier import GitApplier
    from tests.support.regions import Regions


class _Edits:
    """Edits in place; Pulumi updates live routes only, not clusters."""

    project = "bluegrid"

    def __init__(self, regions: Regions) -> None:
        self._place, self.registry, self.folder = regions, regions.registry, regions.folder
        self.editor = self.stacks = self

    def change(self, what: str, edit: Callable[[Path], object]) -> None:
        edit(self.registry)

    def declare(self, service: str, cluster: str, region: str) -> None:
        switch(self.registry, service, cluster, region)

    def declare_back(self, service: str, cluster: str, region: str, instead_of: str) -> None:
        assert instead_of == "d2"
        switch(self.registry, service, cluster, region)

    def unify_live(self, service: str, regions: Iterable[str]) -> None:
        unify_live(self.registry, service, regions)

    def up_clusters(self, stack: Stack, service: str, clusters: Sequence[str]) -> None:
        raise UpFailed("pulumi up: no room")

    def up(self, target: Target, stack: Stack, *, at_once: bool = False) -> None:
        self._place.set("north", live="d1")


@pytest.mark.parametrize("routed", ["d1", "d2"])
def test_yaml_and_route_go_back_together_wherever_it_was_cut_off(regions: Regions, routed: str) -> None:
    """YAML names the new cluster; the route had followed, or had not."""
    regions.declare("{default: d1, north: d2}")
    regions.set("north", live=routed)
    file = Registry.load(regions.registry).of_set("g1")
    assert file.service is not None
    done = RolloutStatus(to=RolloutKind.LIVE, step="north: switching", cluster="d2", before={"north": "d1"})
    context = RolloutContext(
        file,
        file.service,
        "v2",
        RolloutPolicy(to=RolloutKind.LIVE),
        cast("GitApplier", _Edits(regions)),
        [find_stack(regions.folder, "north")],
        RolloutProgress(done, lambda _: None, lambda: False),
    )
    with pytest.raises(RolloutFailed, match="v2 is not online: pulumi up: no room"):
        StandbyRollout(context, open_store("file:///none"), ()).run()
    assert regions.live == "{default: d1, north: d1}"
    assert regions.routed()[0] == "d1"
    assert "id: d2" not in regions.text


def test_how_long_it_bakes_is_noted_until_something_else_is_done() -> None:
    noted = list[RolloutStatus]()
    status = RolloutStatus(to=RolloutKind.LIVE, step="north: baking", cluster="d2", before={"north": "d1"})
    progress = RolloutProgress(status, noted.append, lambda: False)
    progress.outcome(Outcome("north", "d2", Stage.BAKING), BakeProgress(412.04, 600, 900, 3))
    progress.outcome(Outcome("north", "d2", Stage.LIVE), None)
    bakes = [(each.step, each.baked_seconds, each.bake_seconds, each.requests) for each in noted]
    assert bakes == [("north: baking", 412.0, 600, 900), ("north: live", 0.0, None, 900)]
