"""Shares of a service's requests: their rules in a file, and their edits."""

# ruff: noqa: E501 - a message stands here as the user reads it, on one line

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import Registry, RegistryError, remove_cluster, share_traffic, switch

if TYPE_CHECKING:
    from pathlib import Path

TEXT = f"""\
set: {{id: g1, name: n, task: t, type: scikit-learn/skops, source: platform}}
versions:
  - {{id: v1, manifest: "sha256:{"1" * 64}", updated: 2026-11-22T08:00:00Z}}
  - {{id: v2, manifest: "sha256:{"2" * 64}", updated: 2026-11-23T08:00:00Z}}
  - {{id: v3, manifest: "sha256:{"3" * 64}", updated: 2026-11-24T08:00:00Z}}
service:
  name: line-loading
  live: d1       # the one word
  clusters:
    - {{id: d1, version: v1, cpu: 2, memory: 2Gi}}
    - {{id: d2, version: v2, cpu: 2, memory: 2Gi}}
    - {{id: d3, version: v3, cpu: 2, memory: 2Gi}}
  regions: [north, east]
"""
LIVE = "  live: d1       # the one word\n"


def write(folder: Path, traffic: str | None = None, live: str = LIVE) -> Path:
    message = "" if traffic is None else f"  traffic: {traffic}\n"
    (folder / "g1.yaml").write_text(TEXT.replace(LIVE, live + message))
    return folder


def read(folder: Path) -> str:
    return (folder / "g1.yaml").read_text()


def weights(folder: Path, region: str) -> list[tuple[str, int]]:
    service = Registry.load(folder).of_set("g1").service
    assert service
    return list(service.weights_in(region).items())


def test_a_service_without_shares_gives_all_to_what_is_live(tmp_path: Path) -> None:
    assert weights(write(tmp_path), "north") == [("d1", 1)]


def test_the_live_cluster_is_the_first_and_a_weight_of_nothing_is_none(tmp_path: Path) -> None:
    folder = write(tmp_path, "{d3: 0, d2: 10, d1: 90}")
    assert weights(folder, "north") == [("d1", 90), ("d2", 10)]


def test_regions_share_each_for_itself(tmp_path: Path) -> None:
    folder = write(tmp_path, "{north: {d1: 90, d2: 10}}")
    assert weights(folder, "north") == [("d1", 90), ("d2", 10)]
    assert weights(folder, "east") == [("d1", 1)]
    folder = write(tmp_path, "{default: {d1: 1, d2: 1}, north: {d1: 1}}")
    assert weights(folder, "north") == [("d1", 1)]
    assert weights(folder, "east") == [("d1", 1), ("d2", 1)]


@pytest.mark.parametrize(
    ("traffic", "message"),
    [
        ("{d1: 90, d9: 10}", "9: service.traffic.d9: d9 is not a cluster of line-loading; declared: d1, d2, d3"),
        ("{d2: 90, d3: 10}", "9: service.traffic: d1 is live and has no share; give it one, or make another live"),
        ("{d1: 0, d2: 0}", "9: service.traffic: d1 is live and has no share; give it one, or make another live"),
        ("{}", "9: service.traffic: d1 is live and has no share; give it one, or make another live"),
        ("{d1: 90, d2: -1}", "9: service.traffic.d2: -1 is below 0"),
        ("{d1: 90, d2: 1.5}", "9: service.traffic.d2: 1.5 is not a whole number"),
        ("{d1: 90, d2: ten}", "9: service.traffic.d2: 'ten' is not a whole number"),
        ("{d1: 9999, d2: 1}", "9: service.traffic.d2: less than 1% of the requests; give it more, or 0"),
        ("{d1: 9999999, d2: 1}", "9: service.traffic.d1: 9999999 is above 1000000"),
        ("90", "9: service.traffic: is not a mapping; write key: value"),
        ("{south: {d1: 90, d2: 10}}", "9: service.traffic.south: south is not a region of line-loading; declared: north, east"),
        ("{north: {d2: 90, d3: 10}}", "9: service.traffic.north: d1 is live in north and has no share; give it one, or make another live"),
        ("{north: {d1: 9}, d2: 10}", "9: service.traffic.d2: is not a mapping; write key: value"),
    ],
)  # fmt: skip
def test_a_share_that_makes_no_sense_is_told_with_its_line(
    traffic: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(RegistryError) as caught:
        Registry.load(write(tmp_path, traffic))
    assert f"g1.yaml:{message}" in str(caught.value).replace(f"{tmp_path}/", "").split("\n")


def test_what_is_live_in_a_region_needs_a_share_of_what_holds_there(tmp_path: Path) -> None:
    folder = write(tmp_path, "{d1: 90, d2: 10}", live="  live: {default: d1, north: d3}\n")
    with pytest.raises(RegistryError, match=r"service.traffic: d3 is live in north and has no share"):
        Registry.load(folder)


def test_sharing_is_one_line_and_a_switch_takes_it_away(tmp_path: Path) -> None:
    folder = write(tmp_path)
    share_traffic(folder, "line-loading", {"d1": 90, "d2": 10})
    assert read(folder) == TEXT + "  traffic: {d1: 90, d2: 10}\n"
    share_traffic(folder, "line-loading", {"d1": 50, "d3": 50})
    assert read(folder) == TEXT + "  traffic: {d1: 50, d3: 50}\n"
    assert (switch(folder, "line-loading", "d1").old, read(folder)) == ("d1", TEXT)
    share_traffic(folder, "line-loading", {"d1": 10, "d2": 90})
    switch(folder, "line-loading", "d2")
    assert read(folder) == TEXT.replace("live: d1 ", "live: d2 ")


def test_a_region_shares_and_is_switched_by_itself(tmp_path: Path) -> None:
    folder = write(tmp_path)
    share_traffic(folder, "line-loading", {"d1": 90, "d2": 10}, "north")
    assert read(folder) == TEXT + "  traffic: {north: {d1: 90, d2: 10}}\n"
    share_traffic(folder, "line-loading", {"d1": 1, "d3": 1}, "default")
    assert weights(folder, "east") == [("d1", 1), ("d3", 1)]
    switch(folder, "line-loading", "d2", "north")
    assert weights(folder, "north") == [("d2", 1)]
    assert weights(folder, "east") == [("d1", 1), ("d3", 1)]
    switch(folder, "line-loading", "d3", "default")
    assert weights(folder, "north") == [("d2", 1)]
    assert weights(folder, "east") == [("d3", 1)]


def test_a_switch_of_the_only_region_that_shares_leaves_no_trace_of_it(tmp_path: Path) -> None:
    folder = write(tmp_path, "{north: {d1: 90, d2: 10}}")
    switch(folder, "line-loading", "d1", "north")
    assert "traffic" not in read(folder)


def test_the_last_region_to_stop_sharing_leaves_no_trace_of_it(tmp_path: Path) -> None:
    folder = write(tmp_path, "{d1: 90, d2: 10}")
    switch(folder, "line-loading", "d1", "north", regions=["north", "east"])
    assert "  traffic: {default: {d1: 90, d2: 10}, north: {d1: 1}}\n" in read(folder)
    switch(folder, "line-loading", "d1", "east", regions=["north", "east"])
    assert read(folder) == TEXT


def test_the_only_region_shares_without_a_name(tmp_path: Path) -> None:
    folder = write(tmp_path)
    text = TEXT.replace("  regions: [north, east]\n", "")
    (folder / "g1.yaml").write_text(text)
    share_traffic(folder, "line-loading", {"d1": 90, "d2": 10}, "north", regions=["north"])
    assert read(folder) == text + "  traffic: {d1: 90, d2: 10}\n"
    switch(folder, "line-loading", "d1", "north", regions=["north"])
    assert read(folder) == text


def test_a_region_that_the_service_is_not_in_never_shares(tmp_path: Path) -> None:
    folder = write(tmp_path)
    with pytest.raises(RegistryError, match="south is not a region of line-loading; declared: north, east"):
        share_traffic(folder, "line-loading", {"d1": 90, "d2": 10}, "south")


def test_sharing_everywhere_ends_what_differs(tmp_path: Path) -> None:
    folder = write(tmp_path, "{north: {d1: 90, d2: 10}}")
    share_traffic(folder, "line-loading", {"d1": 50, "d3": 50}, everywhere=True)
    assert read(folder) == TEXT.replace(LIVE, f"{LIVE}  traffic: {{d1: 50, d3: 50}}\n")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"d1": 90, "d9": 10}, "d9 is not a cluster of line-loading"),
        ({"d2": 90, "d3": 10}, "d1 is live, and line-loading shares its requests with others; name it and another"),
        ({"d1": 100}, "name it and another, or switch to the one that is to get all"),
        ({"d1": 9999, "d2": 1}, "less than 1% of the requests"),
    ],
)  # fmt: skip
def test_a_share_that_cannot_be_is_refused(wanted: dict[str, int], message: str, tmp_path: Path) -> None:
    folder = write(tmp_path)
    with pytest.raises(RegistryError, match=message):
        share_traffic(folder, "line-loading", wanted)
    assert read(folder) == TEXT


def test_regions_that_differ_are_never_shared_by_guess(tmp_path: Path) -> None:
    folder = write(tmp_path, "{north: {d1: 90, d2: 10}}")
    with pytest.raises(RegistryError, match="differs by region: default, north; name one, or all"):
        share_traffic(folder, "line-loading", {"d1": 90, "d2": 10})


@pytest.mark.parametrize("traffic", ["{d1: 90, d2: 10}", "{north: {d1: 90, d2: 10}}", "{d1: 90, d2: 0}"])
def test_a_cluster_with_a_share_is_not_removed(traffic: str, tmp_path: Path) -> None:
    folder = write(tmp_path, traffic)
    with pytest.raises(RegistryError, match="d2 has a share of the traffic of line-loading"):
        remove_cluster(folder, "line-loading", "d2")
    remove_cluster(folder, "line-loading", "d3")
