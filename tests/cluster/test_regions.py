"""Regions are promoted one after the other, on real stacks that share a registry and their state on S3."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.cluster.regions import Regions, backend, kubectl, two_regions, wait_until_live
from tests.cluster.trouble import setting
from tests.cluster.updating import UpdateServer, files_of
from tools.demo.workspace import SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.conftest import Local
    from tools.demo.workspace import Workspace


@pytest.fixture(scope="module")
def regions(local: Local) -> Iterator[Regions]:
    with two_regions(local) as regions:
        yield regions


@pytest.fixture(autouse=True)
def _same_again(regions: Regions) -> Iterator[None]:
    """Each test finds d1 live everywhere, in one word."""
    yield
    text = regions.file.read_text().replace(f"live: {regions.live}", "live: d1")
    regions.file.write_text(text)
    for work in (regions.north, regions.east):
        if backend(work) != "d1":
            work.bluegrid("switch", SERVICE, "d1", "--up", "--yes").require()
    assert regions.routed() == ("d1", "d1")


def test_a_cluster_goes_live_region_by_region_and_no_request_fails(regions: Regions) -> None:
    with regions.load() as (north, east):
        done = regions.promote("d2", "--bake", "5s", "--json")
        of_north, of_east = north.stop(), east.stop()
    assert [(row["region"], row["stage"], row["live"]) for row in done.require().json()["regions"]] == [
        ("north", "live", "d2"),
        ("east", "live", "d2"),
    ]
    assert (of_north.failed_total, of_east.failed_total) == (0, 0)
    # The bake counted the load's own requests.
    assert all(row["requests"] > 0 for row in done.json()["regions"])
    assert regions.live == "d2"
    assert regions.routed() == ("d2", "d2")


def test_a_region_that_fails_its_bake_goes_back_and_yaml_says_so(regions: Regions) -> None:
    with regions.load() as (north, east), bad_requests_as_soon_as_it_is_live(regions.east, "d2"):
        done = regions.promote("d2", "--bake", "20s")
        of_north, of_east = north.stop(), east.stop()
    assert done.exit_code == 1
    last = done.output.splitlines()[-1]
    assert last.startswith("error: east: ")
    assert last.endswith("requests failed, more than 1.00%; now live: d2 in north, d1 in east")
    assert regions.live == "{default: d1, north: d2, east: d1}"
    assert regions.routed() == ("d2", "d1")
    # No good request failed.
    assert (of_north.failed_total, of_east.failed_total) == (0, 0)
    assert set(of_east.by_cluster) == {"d1", "d2"}


def test_a_version_that_breaks_in_the_second_region_goes_back_in_both(regions: Regions) -> None:
    server = UpdateServer(regions.north, ("north", "east"))
    rollout = "update: {rollout: {to: live, bakeSeconds: 6}}"
    text = regions.file.read_text()
    server.commit(text.replace("source: platform}", f"source: platform, {rollout}}}"))
    server.start()
    models = regions.local.prepared.models
    try:
        with regions.load() as (north, east), bad_requests_as_soon_as_it_is_live(regions.east, "d3"):
            update = server.ended(server.request(files_of(models / "v4"), version="v4"))
            of_north, of_east = north.stop(), east.stop()
    finally:
        server.stop()
        service = server.declared().service(SERVICE)
    assert update["state"] == "rolled_back", update
    assert "east: " in update["error"]
    assert update["rollout"]["before"] == {"north": "d1", "east": "d1"}
    assert (of_north.failed_total, of_east.failed_total) == (0, 0)
    # v4 had been live in the first region.
    assert {*of_north.by_version} == {"v1", "v4"}
    assert regions.routed() == ("d1", "d1")
    assert [cluster.id for cluster in service.clusters] == ["d1", "d2"]
    for work in (regions.north, regions.east):
        work.pulumi("preview", "--expect-no-changes").require()


def test_an_update_that_is_interrupted_before_its_proof_goes_back(regions: Regions) -> None:
    east = regions.east
    with (
        _proxy_that_never_follows(east) as address,
        setting(east, "routeAddress", address),
        # Both the update and the way back wait for this time.
        setting(east, "readyTimeout", "10"),
        regions.start_promoting("d2", "east", "--bake", "0") as promoting,
    ):
        wait_until_live(east, "d2")
        promoting.send_signal(signal.SIGTERM)
        message, _ = promoting.communicate(timeout=300)
    assert message.endswith("error: east: interrupted; now live: d1 in east\n")
    assert promoting.returncode == 1
    assert regions.live == "d1"
    assert regions.routed() == ("d1", "d1")
    # Pulumi's state is right after the interruption: nothing is left to change.
    preview = east.pulumi("preview", "--json").require().json()
    assert [step["urn"] for step in preview["steps"] if step["op"] != "same"] == []


def test_a_switch_of_one_region_leaves_the_same_service_of_the_other_as_it_is(regions: Regions) -> None:
    before = _version(regions.north)
    with regions.load() as (north, east):
        regions.north.bluegrid("switch", SERVICE, "d2", "--stack", "east", "--up", "--yes").require()
        of_north, of_east = north.stop(), east.stop()
    assert (of_north.failed_total, of_east.failed_total) == (0, 0)
    assert (set(of_north.by_version), set(of_east.by_version)) == ({"v1"}, {"v1", "v2"})
    assert regions.live == "{default: d1, east: d2}"
    assert regions.routed() == ("d1", "d2")
    assert _version(regions.north) == before
    regions.north.pulumi("preview", "--expect-no-changes").require()


def _version(work: Workspace) -> str:
    """Return the resource version of the live Ingress, which changes with every write."""
    return kubectl(work, "get", "ingress", SERVICE, "--output=jsonpath={.metadata.resourceVersion}")


@contextmanager
def _proxy_that_never_follows(work: Workspace) -> Iterator[str]:
    """Yield the address of a proxy like the region's, whose live route has no cluster behind it."""
    client = httpx.Client(base_url=work.place.route_url, trust_env=False)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = self.headers["Host"]
            if host == work.host:
                self.send_error(503)
                return
            answer = client.get(self.path, headers={"Host": host})
            self.send_response(answer.status_code)
            for name in ("Bluegrid-Cluster", "Bluegrid-Version"):
                self.send_header(name, answer.headers[name])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with client, ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def bad_requests_as_soon_as_it_is_live(work: Workspace, cluster: str) -> Iterator[None]:
    """Keep requesting a missing model while this cluster answers."""
    over = threading.Event()
    url = f"{work.place.route_url}/modelService/{SERVICE}/v2/models/nobody"

    def ask() -> None:
        with httpx.Client(headers={"Host": str(work.host)}, trust_env=False) as client:
            while not over.wait(0.05):
                answer = client.get(url)
                if answer.headers.get("Bluegrid-Cluster") == cluster:
                    client.post(f"{url}/infer", json={"inputs": []})

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
