"""What a comment tells of the versions that a change of the registry brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid.previews import Comparison, compare
from bluegrid.states import ClusterState, ServiceChange, ServiceState
from bluegrid_registry import Lineage, ModelSet, Registry, Store
from tests.support.skops_files import skops_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SET = """\
set: {{id: g1, name: Lines, task: regression, type: scikit-learn/skops, source: platform{}}}
versions: []
"""
DEMAND = ", update: {rollout: {to: live, quality: {metric: rmse, better: lower, worsen: 0.1}}}"
D1 = ClusterState("d1", "v1", 1)


def pushed(folder: Path, *metrics: Mapping[str, float] | None, demand: str = "") -> tuple[Registry, Store]:
    """Push a version with one model for each of these metrics; None: without lineage."""
    for name in ("registry", "store"):
        (folder / name).mkdir()
    (folder / "registry" / "g1.yaml").write_text(SET.format(demand))
    models = ModelSet.open("g1", folder / "registry", (folder / "store").as_uri())
    for number, known in enumerate(metrics, 1):
        lineage = {} if known is None else {"line-1": Lineage(metrics=dict(known))}
        models.push(f"v{number}", {"line-1": skops_file(f"model of v{number}")}, lineage=lineage)
    return Registry.load(folder / "registry"), models.store


def state(live: str, *clusters: ClusterState) -> ServiceState:
    return ServiceState("line-loading", "g1", live, {each.id: each for each in clusters})


def compared(
    place: tuple[Registry, Store], before: ServiceState | None, after: ServiceState | None
) -> Comparison:
    found = compare(ServiceChange(before, after), *place)
    assert found is not None
    return found


def test_a_switch_tells_how_the_metrics_moved(tmp_path: Path) -> None:
    place = pushed(tmp_path, {"mae": 0.04}, {"mae": 0.03})
    d2 = ClusterState("d2", "v2", 1)
    found = compared(place, state("d1", D1, d2), state("d2", D1, d2))
    assert found.models == "1 model changed, 0 added, 0 removed"
    assert found.quality == ("**quality** v1 → v2: `mae 0.04 -> 0.03, fell in 1 of 1 model`",)


@pytest.mark.parametrize(
    "after",
    [state("d1", D1, ClusterState("d2", "v2", 1)), state("d1", ClusterState("d1", "v2", 1))],
    ids=["a standby", "in place"],
)
def test_a_version_that_is_new_in_the_service_tells_it_too(tmp_path: Path, after: ServiceState) -> None:
    place = pushed(tmp_path, {"mae": 0.04}, {"mae": 0.03})
    found = compared(place, state("d1", D1), after)
    assert (found.models, found.quality) == (
        "",
        ("**quality** v1 → v2: `mae 0.04 -> 0.03, fell in 1 of 1 model`",),
    )


def test_a_switch_to_a_new_cluster_tells_it_once_and_a_standby_beside_it_too(tmp_path: Path) -> None:
    place = pushed(tmp_path, {"mae": 0.04}, {"mae": 0.03}, {"mae": 0.05})
    new = [ClusterState("d2", "v2", 1), ClusterState("d3", "v3", 1), ClusterState("d4", "v3", 1)]
    found = compared(place, state("d1", D1), state("d2", D1, *new))
    assert found.quality == (
        "**quality** v1 → v2: `mae 0.04 -> 0.03, fell in 1 of 1 model`",
        "**quality** v1 → v3: `mae 0.04 -> 0.05, rose in 1 of 1 model`",
    )


def test_three_metrics_are_shown_first_the_one_that_rollouts_demand(tmp_path: Path) -> None:
    metrics = {"a`b": 1.0, "bias": 2.0, "mae": 3.0, "r2": 4.0, "rmse": 5.0}
    place = pushed(tmp_path, metrics, metrics, demand=DEMAND)
    found = compared(place, state("d1", D1), state("d1", D1, ClusterState("d2", "v2", 1)))
    assert found.quality == (
        "**quality** v1 → v2: `rmse 5 -> 5, the same in 1 model`; `a'b 1 -> 1, the same in 1 model`; "
        "`bias 2 -> 2, the same in 1 model`; 2 more: `bluegrid version diff g1 v1 v2`",
    )


def test_without_lineage_nothing_is_told(tmp_path: Path) -> None:
    place = pushed(tmp_path, None, {"mae": 0.04})
    found = compared(place, state("d1", D1), state("d1", D1, ClusterState("d2", "v2", 1)))
    assert found == Comparison()


def test_versions_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    place = pushed(tmp_path, {"mae": 0.04})
    found = compared(place, state("d1", D1), state("d1", D1, ClusterState("d2", "v9", 1)))
    (line,) = found.quality
    assert line.startswith("quality of v9 not compared: ")


def test_a_service_that_is_new_or_goes_is_not_compared(tmp_path: Path) -> None:
    registry, store = pushed(tmp_path, {"mae": 0.04})
    both = [ServiceChange(None, state("d1", D1)), ServiceChange(state("d1", D1), None)]
    assert [compare(each, registry, store) for each in both] == [None, None]
