"""Stacks that share a cluster and its proxy do not disturb each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.demo import steps
from tools.demo.workspace import SERVICE
from tools.load.process import Load

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Workspace


def test_a_switch_in_one_namespace_is_not_seen_by_the_same_service_in_another(
    local: Local, online: Callable[[str], Workspace]
) -> None:
    north, east = online("north"), online("east")
    requests, report = local.prepared.models / "requests.json", local.state / "neighbours.json"
    with Load.start(north.place.route_url, SERVICE, requests, report, rate=50, host=north.host) as load:
        steps.switch(east, "d2")
        seen = load.stop()
    assert seen.failed_total == 0
    assert set(seen.by_version) == {"v1"}
    assert [row["live"] for row in east.bluegrid("status", "--json").require().json()] == [False, True]
