"""Events in a bake that send a region back, and events that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid.operations import Namespace, take_snapshot
from bluegrid.promotion.bake import Bake, BakeFailed, BakeProgress, share_that_failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.regions import Regions

LONG = 60.0
"""Seconds of a bake that must fail much earlier."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bluegrid.promotion.bake.POLL_SECONDS", 0.05)
    monkeypatch.setattr("bluegrid.promotion.bake.PATIENCE_SECONDS", 0.3)


@pytest.fixture
def north(regions: Regions) -> Namespace:
    """North, in which d2 is live."""
    regions.set("north", live="d2")
    return Namespace.connect("here", "bluegrid-north", regions.folder / "kubeconfig")


def bake(
    north: Namespace, seconds: float, then: Callable[[], None] | None = None, most: float = 0.01
) -> BakeProgress:
    """Bake north; call `then` once the bake has begun."""
    reports = 0

    def report(_: BakeProgress) -> None:
        nonlocal reports
        reports += 1
        if reports == 2 and then is not None:
            then()

    return Bake(north, "line-loading", "d2", seconds, most).watch(report)


def test_requests_are_counted_from_the_start_of_the_bake(regions: Regions, north: Namespace) -> None:
    regions.set("north", answered=5000, failed=4000)
    seen = bake(north, 0.3)
    assert seen.failed == 0
    # It reports 100 more answers at each read; the first read is the start.
    assert seen.requests == regions.state("bluegrid-north")["answered"] - 5000 - 100 > 100


def test_more_failures_than_may_be_end_it(regions: Regions, north: Namespace) -> None:
    regions.failing["bluegrid-north"] = 3
    with pytest.raises(BakeFailed, match=r"of \d+ requests failed, more than 1.00%"):
        bake(north, LONG)


def test_requests_for_models_that_the_version_has_not_count_as_failures(
    regions: Regions, north: Namespace
) -> None:
    regions.failing["bluegrid-north"], regions.status = 3, 404
    with pytest.raises(BakeFailed, match=r"of \d+ requests failed, more than 1.00%"):
        bake(north, LONG)


def test_what_clients_get_wrong_ends_no_bake(regions: Regions, north: Namespace) -> None:
    regions.failing["bluegrid-north"], regions.status = 30, 400
    seen = bake(north, 0.3)
    assert (seen.requests > 100, seen.failed) == (True, 0)


def test_a_version_that_refuses_most_of_what_clients_send_goes_back(
    regions: Regions, north: Namespace
) -> None:
    regions.failing["bluegrid-north"], regions.status = 300, 400
    with pytest.raises(BakeFailed, match=r"of \d+ requests were refused with 400 to 499, more than 50%"):
        bake(north, LONG)


def test_failures_that_were_there_before_the_switch_are_let_pass(regions: Regions, north: Namespace) -> None:
    regions.failing["bluegrid-north"] = 3
    regions.set("north", answered=950, failed=50)
    before = share_that_failed(take_snapshot(north), "line-loading", "d2")
    assert before == pytest.approx(0.05, rel=0.1)
    assert bake(north, 0.3, most=before + 0.01).failed > 0


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"restarts": 1}, "pod line-loading-d2-x was started again"),
        ({"ready": 0}, "none of its pods is ready"),
        ({"live": "d1"}, "somebody else has switched it to d1"),
    ],
)
def test_what_cannot_pass_ends_it_at_once(
    regions: Regions, north: Namespace, values: dict[str, object], fault: str
) -> None:
    with pytest.raises(BakeFailed, match=fault):
        bake(north, LONG, lambda: regions.set("north", **values))


def test_a_region_that_does_not_answer_for_a_moment_is_given_the_time(
    regions: Regions, north: Namespace
) -> None:
    def away_for_one_look() -> None:
        regions.silent = 3

    assert bake(north, 0.5, away_for_one_look).requests > 0
    assert regions.silent == 0


def test_a_bake_that_sees_nothing_is_not_passed(regions: Regions, north: Namespace) -> None:
    def silence() -> None:
        regions.silent = 10**6

    with pytest.raises(BakeFailed, match="it cannot be watched: context here"):
        bake(north, LONG, silence)
    regions.silent = 0
    with pytest.raises(BakeFailed, match="it cannot be watched: context here"):
        bake(north, 0.2, silence)


def test_fewer_pods_than_at_the_start_are_given_the_time_and_no_more(
    regions: Regions, north: Namespace
) -> None:
    regions.set("north", ready=2, replicas=2)
    with pytest.raises(BakeFailed, match="1 of 2 pods are ready"):
        bake(north, LONG, lambda: regions.set("north", ready=1))
    regions.set("north", ready=2)
    # An autoscaler has removed a pod.
    bake(north, 0.5, lambda: regions.set("north", ready=1, replicas=1))


def test_pods_that_do_not_say_what_they_count_are_not_taken_to_be_well(
    regions: Regions, north: Namespace
) -> None:
    with pytest.raises(BakeFailed, match="no pod reports its metrics"):
        bake(north, LONG, lambda: regions.set("north", metrics=False))
