"""A version whose models are worse than the live ones stays on standby, and says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bluegrid_registry import StoreUnreachable, read_manifest
from tests.support.skops_files import skops_file
from tests.support.updating import ended, git, until, upload

if TYPE_CHECKING:
    import httpx

    from bluegrid_registry import Manifest
    from tests.process.bluegrid.updates.rollouts.grid import Grid


def update(grid: Grid, base: str, mae: float) -> httpx.Response:
    """Request a version whose line-1 was trained again, with this error."""
    request = {
        "base": base,
        "models": {"line-1": upload(grid.client, skops_file(f"model 1 with {mae}"))},
        "lineage": {"line-1": {"metrics": {"mae": mae}}},
    }
    return grid.client.post("/modelSets/g1/updates", json=request)


def updated(grid: Grid, base: str, mae: float) -> dict[str, Any]:
    """Do the same, and return the update once it has ended."""
    return ended(grid.client, update(grid, base, mae))


@pytest.mark.usefixtures("quality")
def test_a_version_that_is_worse_than_the_live_one_stays_on_standby(grid: Grid) -> None:
    # Its live version has no metrics, so that there is nothing to compare with.
    first = updated(grid, "v1", 0.04)
    assert (first["state"], first["error"], grid.declared()) == ("done", None, "d2")
    worse = updated(grid, "v2", 0.09)
    reason = (
        "v3 stays on standby as d3: mae is worse than in v2 by more than 10 % in 1 of 1 model trained again "
        "(0 may be), most in line-1: 0.04 -> 0.09; train again, or switch by hand: "
        "`bluegrid switch line-loading d3`"
    )
    assert (worse["state"], worse["version"], worse["error"]) == ("held_back", "v3", reason)
    assert grid.declared() == grid.regions.routed()[0] == "d2"
    assert "id: d3, version: v3" in git("-C", grid.remote, "show", "main:registry/g1.yaml")
    assert [each["id"] for each in grid.client.get("/updates?state=held_back").json()] == [worse["id"]]
    (event,) = (each for each in grid.client.get("/audit-events").json() if each["act"] == "held_back")
    assert event["detail"]["error"] == reason


@pytest.mark.usefixtures("quality")
def test_a_comparison_waits_for_the_store(grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    away = iter([StoreUnreachable("the store does not answer")])

    def read(*of: Any) -> Manifest:
        if (error := next(away, None)) is not None:
            raise error
        return read_manifest(*of)

    monkeypatch.setattr("bluegrid.updates.rollouts.quality.read_manifest", read)
    answer = update(grid, "v1", 0.04)
    waiting = ended(grid.client, answer)
    assert (waiting["state"], waiting["error"]) == ("waiting", "the store does not answer")
    assert grid.declared() == grid.regions.routed()[0] == "d1"
    until(lambda: grid.look(answer), lambda found: found["state"] == "done")
    assert grid.declared() == grid.regions.routed()[0] == "d2"
