"""The services of the registry that a region runs."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from bluegrid_registry import ConfigError, OfferedService, RegistryError, Sizes
from bluegrid_registry.registry_files.registry import parse

DIGESTS = ("1" * 64, "2" * 64, "3" * 64)
SET = "set: {id: %s, name: Loads, task: regression, type: scikit-learn/skops, source: platform}\n"
VERSIONS = "versions:\n" + "".join(
    f'  - {{id: v{number}, manifest: "sha256:{digest}", updated: 2026-11-2{number}T08:00:00Z}}\n'
    for number, digest in enumerate(DIGESTS, 1)
)
CLUSTERS = """\
  clusters:
    - {id: d1, version: v1, replicas: 3, cpu: 2, memory: 2Gi}
    - {id: d2, version: v2, replicas: 4, cpu: 1, memory: 1Gi}
    - {id: d3, version: v3, autoscaling: {min: 2, max: 5, cpu: 60}, cpu: 1, memory: 1Gi}
"""
NORTH = "north"


def services(
    *lines: str, region: str = NORTH, sizes: Sizes | None = None, more: str = ""
) -> dict[str, OfferedService]:
    service = "service:\n  name: line-loading\n" + "".join(f"  {line}\n" for line in lines) + CLUSTERS
    texts = {Path("g1.yaml"): SET % "g1" + VERSIONS + service}
    if more:
        texts[Path("g2.yaml")] = more
    registry = parse(texts)
    return registry.offered(region) if sizes is None else registry.offered(region, sizes)


def pods(service: OfferedService) -> dict[str, int]:
    return {cluster.id: cluster.now.fewest_pods for cluster in service.clusters.values()}


def test_a_service_has_its_set_its_clusters_and_the_versions_that_they_serve() -> None:
    service = services("live: d2")["line-loading"]
    assert (service.name, service.region, service.set.id) == ("line-loading", NORTH, "g1")
    assert [*service.clusters] == ["d1", "d2", "d3"]
    assert [each.version.manifest for each in service.clusters.values()] == [
        f"sha256:{digest}" for digest in DIGESTS
    ]


def test_the_live_cluster_may_differ_by_region() -> None:
    lines = "live: {default: d1, east: d2}"
    assert services(lines)["line-loading"].shares.live == "d1"
    assert services(lines, region="east")["line-loading"].shares.live == "d2"


def test_one_cluster_gets_every_request_unless_several_share_them() -> None:
    assert services("live: d1")["line-loading"].shares.only == "d1"
    shares = services("live: d2", "traffic: {d1: 1, d2: 3, d3: 0}")["line-loading"].shares
    assert (shares.live, shares.only) == ("d2", None)
    assert shares.weights == {"d2": 3, "d1": 1}
    assert shares.fractions == {"d2": 0.75, "d1": 0.25}


def test_clusters_that_answer_are_told_from_standbys() -> None:
    service = services("live: d3", "traffic: {d1: 1, d3: 9}")["line-loading"]
    assert [each.id for each in service.answering] == ["d3", "d1"]
    assert [each.id for each in service.standbys] == ["d2"]


def test_shares_of_one_region_are_not_those_of_another() -> None:
    lines = "live: d1", "traffic: {east: {d1: 1, d2: 1}}"
    assert services(*lines)["line-loading"].shares.only == "d1"
    assert services(*lines, region="east")["line-loading"].shares.only is None


def test_only_services_of_the_region_are_offered() -> None:
    lines = "live: d1", "regions: [north]"
    assert [*services(*lines)] == ["line-loading"]
    assert services(*lines, region="east") == {}


def test_a_set_without_a_service_offers_none() -> None:
    assert [*services("live: d1", more=SET % "g2" + VERSIONS)] == ["line-loading"]


def test_without_sizes_there_are_as_many_pods_as_the_registry_says() -> None:
    assert pods(services("live: d1")["line-loading"]) == {"d1": 3, "d2": 4, "d3": 2}


def test_a_region_has_its_own_numbers_of_pods() -> None:
    sizes = Sizes(Decimal("0.5"), {"line-loading-d2": 7})
    assert pods(services("live: d1", sizes=sizes)["line-loading"]) == {"d1": 2, "d2": 7, "d3": 2}


def test_standbys_have_fewer_pods_until_they_are_live() -> None:
    service = services("live: d1", "standbyReplicas: 1", sizes=Sizes(Decimal(2)))["line-loading"]
    assert service.standby_replicas == 1
    assert pods(service) == {"d1": 6, "d2": 1, "d3": 2}
    assert service.cluster("d2").when_live.replicas == 8


def test_an_autoscaled_standby_keeps_its_bounds() -> None:
    cluster = services("live: d1", "standbyReplicas: 0")["line-loading"].cluster("d3")
    assert cluster.now == cluster.when_live
    assert cluster.now.fewest_pods == 2


def test_a_cluster_that_is_not_there_is_named_with_those_that_are() -> None:
    service = services("live: d1")["line-loading"]
    with pytest.raises(RegistryError) as refused:
        service.cluster("d9")
    assert str(refused.value) == "d9 is not a cluster of line-loading; declared: d1, d2, d3"


def test_sizes_of_a_cluster_of_another_region_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"line-loading-d2: no such cluster in this region; declared: none"):
        services("live: d1", "regions: [north]", region="east", sizes=Sizes(replicas={"line-loading-d2": 1}))
