"""Switches back and forth under load, one after the other: no request fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster.trouble import until
from tests.support.endurance import FULL, measured, scale
from tools.demo import steps
from tools.demo.scenario import RATE as FULL_RATE
from tools.demo.workspace import SERVICE
from tools.load.process import Load

if TYPE_CHECKING:
    from tests.cluster.trouble import Stack

BOUNDED_RATE = 50
ENOUGH = 200_000
"""Requests of a run at full size."""
LONGEST = 3600


def there_and_back(stack: Stack) -> None:
    """d1 -> d2 -> d1, with `bluegrid switch --up`."""
    for cluster in ("d2", "d1"):
        stack.switch(cluster).require()


def there_and_back_by_whole_updates(stack: Stack) -> None:
    """The same, by an edit of the word and `pulumi up`."""
    for cluster in ("d2", "d1"):
        stack.work.bluegrid("switch", SERVICE, cluster).require()
        stack.up().require()


def there_and_back_with_pods_deleted(stack: Stack) -> None:
    """The same; just before, a pod of the live cluster and the standby's pod are deleted."""
    for cluster in ("d2", "d1"):
        pods = (
            stack.kubectl("get", "pods", "--selector=app=line-loading-d1", "--output=name").require().output
        )
        stack.kubectl("delete", pods.split()[0], "--wait=false").require()
        if cluster == "d2":
            stack.kubectl("delete", "pods", "--selector=app=line-loading-d2").require()
        stack.switch(cluster).require()
        until(lambda: all(row["ready"] == row["replicas"] for row in stack.rows()))


def there_and_back_with_the_old_cluster_removed(stack: Stack) -> None:
    """d1 -> d3 -> d1; each update starts the new cluster, switches to it and deletes the old one."""
    for new, version, old in (("d3", "v3", "d1"), ("d1", "v1", "d3")):
        replicas = ("--replicas", "2" if new == "d1" else "1")
        stack.add(new, version, *replicas)
        stack.work.bluegrid("switch", SERVICE, new).require()
        steps.remove_cluster(stack.work, old)
        stack.up().require()


WAYS = (
    there_and_back,
    there_and_back_with_pods_deleted,
    there_and_back_with_the_old_cluster_removed,
    there_and_back_by_whole_updates,
)


def test_switches_there_and_back_lose_no_request(two_services: Stack) -> None:
    stack, work = two_services, two_services.work
    requests, report = stack.local.prepared.models / "requests.json", work.state / "endurance.json"
    rate = FULL_RATE if FULL else BOUNDED_RATE
    rounds = 0
    with Load.start(
        work.place.route_url, SERVICE, requests, report, rate, seconds=LONGEST, host=work.host
    ) as load:
        while rounds < scale(len(WAYS), 50) or (FULL and load.figures().sent < ENOUGH):
            WAYS[rounds % len(WAYS)](stack)
            rounds += 1
        seen = load.stop()
    if FULL:
        measured(
            switches=2 * rounds,
            requests=seen.sent,
            rate=round(seen.rate),
            failed=seen.failed_total,
            longest_gap_ms=round(seen.longest_gap_ms),
            p99_ms=round(seen.latency_ms.p99, 1),
        )
    assert seen.failed_total == 0, seen.failures
    assert seen.ok == seen.sent
    assert set(seen.by_version) == {"v1", "v2", "v3"}
    assert stack.live() == "d1"
