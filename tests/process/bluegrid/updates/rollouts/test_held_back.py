"""A version whose models are worse than the live ones stays on standby, and says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.skops_files import skops_file
from tests.support.updating import ended, git, upload

if TYPE_CHECKING:
    from tests.process.bluegrid.updates.rollouts.grid import Grid


def updated(grid: Grid, base: str, mae: float) -> dict[str, Any]:
    """Request a version whose line-1 was trained again, with this error; return the update once it ended."""
    request = {
        "base": base,
        "models": {"line-1": upload(grid.client, skops_file(f"model 1 with {mae}"))},
        "lineage": {"line-1": {"metrics": {"mae": mae}}},
    }
    return ended(grid.client, grid.client.post("/modelSets/g1/updates", json=request))


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
