"""The changes of a service, in words, and their risks."""

from __future__ import annotations

from dataclasses import replace

from bluegrid.previews import risks_of, sentences_of
from bluegrid.states import (
    ClusterState,
    ServiceChange,
    ServiceState,
    changes_between,
)
from bluegrid_registry import Autoscaling

LIMITS = {"cpu": "2", "memory": "2Gi"}
D1 = ClusterState("d1", "v1", 2, LIMITS)
D2 = ClusterState("d2", "v2", 1, LIMITS)
D3 = ClusterState("d3", "v3", 1, LIMITS)


def service(live: str, *clusters: ClusterState) -> ServiceState:
    return ServiceState("line-loading", "g1", live, {cluster.id: cluster for cluster in clusters})


def text(before: ServiceState | None, after: ServiceState | None) -> list[str]:
    return list(sentences_of(ServiceChange(before, after)))


def risks(before: ServiceState | None, after: ServiceState | None) -> list[str]:
    return [risk.message for risk in risks_of(ServiceChange(before, after))]


def test_a_switch_is_named_with_both_versions_and_what_stays_to_go_back_to() -> None:
    before, after = service("d1", D1, D2), service("d2", D1, D2)
    assert text(before, after) == ["**switch** d1 (v1) → d2 (v2)", "d1 stays warm"]
    assert risks(before, after) == []


def test_a_switch_that_moves_the_pods_says_so() -> None:
    small = {cluster.id: replace(cluster, replicas=0) for cluster in (D1, D2, D3)}
    before, after = service("d1", D1, small["d2"], small["d3"]), service("d2", small["d1"], D2, small["d3"])
    assert text(before, after) == [
        "**switch** d1 (v1) → d2 (v2)",
        "scale d1 from 2 pods to 0 pods",
        "scale d2 from 0 pods to 1 pod",
        "d3 stays without pods",
    ]


def test_a_service_that_stays_as_it_is_says_nothing() -> None:
    change = ServiceChange(service("d1", D1, D2), service("d1", D1, D2))
    assert change.is_nothing
    assert list(sentences_of(change)) == []
    assert change.switch is None


def test_a_new_cluster_is_told_with_its_pods() -> None:
    assert text(service("d1", D1), service("d1", D1, D2)) == ["create d2 (v2), 1 pod"]


def test_a_new_cluster_with_shards_is_told_with_the_pods_of_all() -> None:
    sharded = replace(D2, replicas=6, shards=3)
    assert text(service("d1", D1), service("d1", D1, sharded)) == ["create d2 (v2), 6 pods in 3 shards"]
    more = replace(sharded, replicas=9)
    assert text(service("d1", D1, sharded), service("d1", D1, more)) == ["scale d2 from 6 pods to 9 pods"]


def test_a_new_service_is_told_with_its_live_cluster_once() -> None:
    assert text(None, service("d1", D1, D2)) == [
        "**create** the service; live is d1 (v1)",
        "create d2 (v2), 1 pod",
    ]


def test_a_service_that_goes_is_told_with_all_that_goes_and_is_a_risk() -> None:
    before = service("d1", D1, D2)
    assert text(before, None) == ["**delete** the service with its URL and d1 (v1) and d2 (v2)"]
    assert risks(before, None) == ["its URL goes: clients get 404 from then on"]


def test_a_cluster_that_is_scaled_resized_or_given_another_version_says_so() -> None:
    larger = ClusterState("d1", "v3", 4, {"cpu": "4", "memory": "2Gi", "nvidia.com/gpu": "1"})
    assert text(service("d1", D1), service("d1", larger)) == [
        "**d1 serves v3 instead of v1**: a rolling update of its pods",
        "scale d1 from 2 pods to 4 pods",
        "resize d1: cpu 2 → 4, nvidia.com/gpu 0 → 1; its pods are replaced one by one",
    ]


def test_removing_the_old_cluster_in_the_update_that_switches_is_a_risk() -> None:
    before, after = service("d1", D1, D2, D3), service("d2", D2, D3)
    assert text(before, after)[1] == "delete d1 (v1): its Deployment, pods, Service and standing route"
    (risk,) = risks(before, after)
    assert risk.startswith("d1 is removed in the update that switches away from it")


def test_a_service_that_loses_its_last_standby_is_a_risk() -> None:
    assert risks(service("d1", D1, D2), service("d1", D1)) == [
        "no standby is left beside d1; nothing to go back to at once"
    ]
    # It had no standby before: nothing has become worse.
    assert risks(service("d1", D1), service("d1", ClusterState("d1", "v1", 3, LIMITS))) == []


def test_a_live_cluster_without_pods_is_a_risk() -> None:
    none = ClusterState("d1", "v1", 0, LIMITS)
    assert risks(None, service("d1", none)) == ["d1 is live and has no pods; set its replicas"]


def test_a_cluster_that_gets_an_autoscaler_is_told_with_its_bounds() -> None:
    scaled = ClusterState("d1", "v1", Autoscaling(min=2, max=6, cpu=70), LIMITS)
    before, after = service("d1", D1, D2), service("d1", scaled, D2)
    assert text(before, after)[0] == "scale d1 from 2 pods to 2..6 pods at 70 % CPU"
    assert risks(before, after) == []
    (risk,) = risks(after, before)
    assert risk.startswith("d1 loses its autoscaler, which is deleted last")


def test_a_cluster_that_takes_over_is_told_with_the_pods_that_it_is_brought_to_and_when_it_loses_them() -> (
    None
):
    scaled = ClusterState("d2", "v2", Autoscaling(min=2, max=10, cpu=70), LIMITS)
    held = replace(scaled, held=8)
    assert text(service("d1", D1, scaled), service("d2", D1, held)) == [
        "**switch** d1 (v1) → d2 (v2)",
        "bring d2 to 8 pods before requests come to it, as many as these take now: its autoscaler keeps them "
        "until the next `pulumi up`",
        "d1 stays warm",
    ]
    assert text(service("d2", D1, held), service("d2", D1, scaled)) == [
        "leave the pods of d2 to its autoscaler again, 2..10 pods at 70 % CPU: it has kept 8 since a switch",
        "d1 stays warm",
    ]
    assert text(service("d1", D1), service("d2", D1, held))[1:3] == [
        "create d2 (v2), 2..10 pods at 70 % CPU",
        "bring d2 to 8 pods before requests come to it, as many as these take now: its autoscaler keeps them "
        "until the next `pulumi up`",
    ]


def test_a_live_route_that_comes_or_goes_alone_is_told() -> None:
    without, live = replace(service("d1", D1), live=None), service("d1", D1)
    assert text(without, live) == ["**route** its URL to d1 (v1)"]
    assert risks(without, live) == []
    assert text(live, without) == ["**delete** its live route, which leads to d1 (v1)", "d1 stays warm"]
    assert risks(live, without) == ["its URL goes: clients get 404 from then on"]


def test_files_of_both_branches_tell_a_manifest_that_changes_under_its_version() -> None:
    old, new = (replace(D1, manifest=f"sha256:{digit * 64}") for digit in "12")
    assert text(service("d1", old), service("d1", new))[0].startswith(
        "**d1 gets another v1** (manifest sha256:1"
    )
    # A state without a manifest is not a state with another manifest.
    assert text(service("d1", D1), service("d1", new)) == []


def test_every_service_of_both_sides_is_told_by_name() -> None:
    other = ServiceState("a", "g2", "d1", {"d1": D1})
    before, after = {"line-loading": service("d1", D1)}, {"a": other}
    assert [(change.name, change.set) for change in changes_between(before, after)] == [
        ("a", "g2"),
        ("line-loading", "g1"),
    ]
