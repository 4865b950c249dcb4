"""An update of some services leaves the state that a whole update leaves, and touches nothing else.

The stacks of these tests write manifests, which cannot be read again: `tests/cluster` refreshes real objects.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from bluegrid.project import Target, Urns, WholeServices
from bluegrid_registry import Registry
from tests.integration.pulumi.region import Proxy, Region, service
from tests.program.cluster import api_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bluegrid.project import PartialUpdate
    from tests.integration.pulumi.conftest import Engine, Ran

URNS = Urns("grid", "north", with_gateway=False)
D1 = "    - {id: d1, version: v1, replicas: 2, cpu: 1, memory: 1Gi}\n"
D3 = "    - {id: d3, version: v3, replicas: 1, cpu: 1, memory: 1Gi}\n"


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def region(engine: Engine, tmp_path: Path, proxy: Proxy) -> Iterator[Region]:
    """A region with two services, which is up."""
    with api_server() as server:
        region = Region(engine, tmp_path / "region", server, proxy)
        region.up()
        yield region


def of_services(region: Region, *names: str) -> PartialUpdate:
    resources = region.pulumi("stack", "export").json()["deployment"]["resources"]
    return WholeServices(names).update(URNS, Registry.load(region.registry).offered("north"), resources)


def run(region: Region, update: PartialUpdate, **more: str) -> Ran:
    return region.pulumi("up", "--yes", "--skip-preview", *update.targets, **update.variables, **more)


def require(region: Region, update: PartialUpdate, **more: str) -> None:
    ran = run(region, update, **more)
    assert ran.exit_code == 0, ran.stdout + ran.stderr


def require_as_whole(region: Region, before: Mapping[str, str], changed: str) -> None:
    """Check that others are as before, and that a whole update changes nothing, not even the state."""
    others = {name: text for name, text in before.items() if changed not in name}
    assert others
    assert {name: text for name, text in region.texts().items() if changed not in name} == others
    partial = region.state()
    whole = region.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert whole.exit_code == 0, whole.stdout
    assert region.state() == partial


def test_a_service_changes_grows_switches_and_shrinks_in_one_update(region: Region, proxy: Proxy) -> None:
    """One cluster is new and live, one is deleted, and one has other pods: the gate and the drain pass."""
    before = region.texts()
    region.edit(1, "live: d1", "live: d3")
    region.edit(1, D1, D3)
    region.edit(1, "version: v2, replicas: 1", "version: v2, replicas: 2")
    proxy.requests.clear()
    require(region, of_services(region, "load-1"))
    assert region.live("load-1") == "load-1-d3"
    assert not any("load-1-d1" in name for name in region.texts())
    live = [host for host, path in proxy.requests if path.startswith("/modelService/load-1/")]
    assert live.count("models.example.org") >= 40
    assert not any("load-2" in path for _, path in proxy.requests)
    require_as_whole(region, before, "load-1")


def test_a_live_route_alone_is_switched(region: Region) -> None:
    before = region.texts()
    region.edit(1, "live: d1", "live: d2")
    offered = Registry.load(region.registry).offered("north")["load-1"]
    require(region, Target.of(offered, "d2").update(URNS))
    assert region.live("load-1") == "load-1-d2"
    require_as_whole(region, before, "load-1")


def test_a_service_is_new_and_goes_again(region: Region) -> None:
    before = region.texts()
    region.file(3).write_text(service(3))
    require(region, of_services(region, "load-3"))
    assert region.live("load-3") == "load-3-d1"
    require_as_whole(region, before, "load-3")
    region.file(3).unlink()
    update = of_services(region, "load-3")
    refused = run(region, update)
    assert refused.exit_code != 0
    assert any(each.startswith("load-3 is live and would be deleted") for each in refused.errors())
    require(region, update, BLUEGRID_ALLOW_DELETE="load-3")
    assert region.texts() == before
    assert not any("load-3" in urn for urn in region.state())
    require_as_whole(region, before, "load-3")


def test_an_update_whose_gate_fails_deletes_nothing_and_the_next_one_recovers(
    region: Region, proxy: Proxy
) -> None:
    before = region.texts()
    region.edit(1, "live: d1", "live: d3")
    region.edit(1, D1, D3)
    proxy.deaf.add("load-1")
    failed = run(region, of_services(region, "load-1"))
    assert failed.exit_code != 0
    assert 'hook "bluegrid-arrived" failed: service load-1: cluster d3' in failed.stdout
    assert any("load-1-d1" in name for name in region.texts())
    proxy.deaf.clear()
    require(region, of_services(region, "load-1"))
    assert not any("load-1-d1" in name for name in region.texts())
    require_as_whole(region, before, "load-1")


def test_shared_settings_wait_for_a_whole_update(region: Region) -> None:
    before = region.texts()
    region.pulumi("config", "set", "bluegrid:quotaPods", "50")
    region.edit(1, "version: v2, replicas: 1", "version: v2, replicas: 2")
    require(region, of_services(region, "load-1"))
    changed = {name for name, text in region.texts().items() if text != before.get(name)}
    assert changed
    assert all("load-1-d2" in name for name in changed)
    region.up()
    assert any("resourcequota" in name for name in region.texts())


@pytest.mark.parametrize(
    "command",
    [
        ("preview",),
        ("up", "--yes", "--skip-preview"),
        ("up", "--yes", "--skip-preview", "--continue-on-error"),
    ],
    ids=["preview", "up", "goes on"],
)
def test_without_targets_it_is_refused_and_nothing_is_deleted(
    region: Region, command: tuple[str, ...]
) -> None:
    before = region.texts()
    refused = region.pulumi(*command, BLUEGRID_SERVICES="load-1")
    assert refused.exit_code != 0
    assert "BLUEGRID_SERVICES is set, and this update names no targets" in refused.stdout
    assert region.texts() == before


def test_a_switch_of_another_service_that_waits_does_not_matter(region: Region) -> None:
    before = region.texts()
    region.edit(2, "live: d1", "live: d2")
    region.edit(1, "version: v2, replicas: 1", "version: v2, replicas: 2")
    require(region, of_services(region, "load-1"))
    assert region.live("load-2") == "load-2-d1"
    region.edit(2, "live: d2", "live: d1")
    require_as_whole(region, before, "load-1")
