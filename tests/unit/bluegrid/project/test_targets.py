"""The targets of an update of some resources, and the variables for its program."""

from __future__ import annotations

import pytest

from bluegrid.project import Target, Urns, WholeServices, reason_of, update_of_clusters
from bluegrid_registry import (
    Autoscaling,
    Cluster,
    OfferedCluster,
    OfferedService,
    Service,
    Shares,
    Version,
)
from bluegrid_registry.registry_files.model_set_schema import DeclaredSet

URNS = Urns("grid", "north", with_gateway=False)
D1, D2, D3 = (Cluster(id=f"d{n}", version=f"v{n}", cpu="1", memory="1Gi") for n in (1, 2, 3))
OF_SERVICE = "urn:pulumi:north::grid::bluegrid:serving:ModelService"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
ROUTE = [
    f"{OF_SERVICE}::loading",
    f"{OF_SERVICE}$bluegrid:serving:Route::loading",
    f"{OF_SERVICE}$bluegrid:serving:Route${INGRESS}::loading",
]
OF_CLUSTER = f"{OF_SERVICE}$bluegrid:serving:ModelCluster"
PODS = f"{OF_CLUSTER}$kubernetes:apps/v1:Deployment::loading-"
AUTOSCALER = f"{OF_CLUSTER}$kubernetes:autoscaling/v2:HorizontalPodAutoscaler::loading-"


@pytest.mark.parametrize(
    ("standby_replicas", "clusters", "targets"),
    [
        (None, ["d2"], ROUTE),
        (None, ["d1", "d2"], ROUTE),
        (0, ["d2"], [*ROUTE, f"{PODS}d2"]),
        (0, ["d1", "d2"], [*ROUTE, f"{PODS}d1", f"{PODS}d2"]),
    ],
)
def test_a_switch_updates_the_live_route_and_the_pods_that_it_needs(
    standby_replicas: int | None, clusters: list[str], targets: list[str]
) -> None:
    service = Service(name="loading", live="d1", clusters=(D1, D2, D3), standbyReplicas=standby_replicas)
    update = Target.of(service, *clusters).update(URNS)
    assert update.urns == (*targets,)
    assert update.refreshed == ["--refresh", "--run-program", *(f"--target={urn}" for urn in targets)]
    assert update.variables == {
        "BLUEGRID_PARTIAL_UPDATE": "1",
        "BLUEGRID_ROUTES": "loading",
        "BLUEGRID_SERVICES": "loading",
    }


SCALED = Cluster(id="d2", version="v2", cpu="1", memory="1Gi", autoscaling=Autoscaling(min=1, max=4, cpu=70))


def test_of_an_autoscaled_cluster_it_updates_the_autoscaler_too_or_that_alone() -> None:
    service = Service(name="loading", live="d1", clusters=(D1, SCALED))
    assert Target.of(service, "d2").update(URNS).urns == (*ROUTE, f"{AUTOSCALER}d2")
    assert Target.of(service, "d1", "d2").update(URNS).urns == (*ROUTE, f"{AUTOSCALER}d2")
    assert Target.of(service, "d1").update(URNS).urns == (*ROUTE,)
    alone = Target.autoscaler_of(service, "d2").update(URNS)
    assert alone.urns == (f"{AUTOSCALER}d2",)
    assert alone.variables["BLUEGRID_ROUTES"] == ""


def offered(*clusters: Cluster) -> OfferedService:
    rows = {
        each.id: OfferedCluster(
            Version(id=each.version, manifest=f"sha256:{'1' * 64}", updated="2026-11-21T08:00:00Z"),  # type: ignore[arg-type]
            each,
            each,
        )
        for each in clusters
    }
    declared = DeclaredSet(id="g1", name="g", task="t", type="onnx/onnx", source="user")  # type: ignore[arg-type]
    return OfferedService("loading", "north", declared, Shares({"d1": 1}), rows, None)


STATE = [
    {"urn": "urn:pulumi:north::grid::pulumi:pulumi:Stack::grid-north"},
    {"urn": f"{OF_SERVICE}::loading", "parent": "urn:pulumi:north::grid::pulumi:pulumi:Stack::grid-north"},
    {"urn": f"{OF_CLUSTER}::loading-d0", "parent": f"{OF_SERVICE}::loading"},
    {"urn": f"{PODS}d0", "parent": f"{OF_CLUSTER}::loading-d0"},
    {"urn": f"{OF_SERVICE}::loading-2", "parent": "urn:pulumi:north::grid::pulumi:pulumi:Stack::grid-north"},
    {"urn": f"{OF_CLUSTER}::loading-2-d0", "parent": f"{OF_SERVICE}::loading-2"},
]


def test_a_whole_service_is_what_is_declared_and_what_the_state_still_has() -> None:
    update = WholeServices(("loading", "gone")).update(URNS, {"loading": offered(D1)}, STATE)
    assert {*ROUTE, f"{PODS}d1", f"{PODS}d0", f"{OF_CLUSTER}::loading-d0"} <= {*update.urns}
    assert not any("loading-2" in urn or "Stack" in urn for urn in update.urns)
    assert update.variables == {"BLUEGRID_SERVICES": "loading,gone"}
    assert len({*update.urns}) == len(update.urns)


def test_so_are_clusters_whose_live_route_stays() -> None:
    update = update_of_clusters(URNS, "loading", ["d1", "d0"], offered(D1, D2).clusters, STATE)
    assert {f"{PODS}d1", f"{PODS}d0", f"{OF_CLUSTER}::loading-d0"} <= {*update.urns}
    assert not {*ROUTE, f"{PODS}d2"} & {*update.urns}
    assert update.variables["BLUEGRID_ROUTES"] == ""


def test_no_target_is_a_pattern() -> None:
    update = WholeServices(("loading",)).update(URNS, {"loading": offered(D1, SCALED)}, STATE)
    assert not any("*" in urn for urn in update.urns)


def test_of_a_stack_that_was_never_brought_up_it_is_said_what_to_do() -> None:
    of = "urn:pulumi:r5::bluegrid::bluegrid:serving"
    job = (
        f"{of}:ModelService$bluegrid:serving:ModelCluster$kubernetes:batch/v1:Job::line-loading-d1-preflight"
    )
    namespace = f"{of}:Platform$kubernetes:core/v1:Namespace::platform"
    message = (
        f"error: Resource '{job}' depends on '{namespace}' which was was not specified in --target list."
    )
    assert reason_of([message, "error: update failed"]) == (
        "stack r5 has no platform yet; bring it up once: `pulumi up --stack r5`"
    )


def test_of_a_cluster_with_shards_it_updates_every_shard() -> None:
    sharded = D2.model_copy(update={"shards": 2})
    service = Service(name="loading", live="d1", clusters=(D1, sharded), standbyReplicas=0)
    assert Target.of(service, "d2").update(URNS).urns == (*ROUTE, f"{PODS}d2-0", f"{PODS}d2-1")
    scaled = SCALED.model_copy(update={"shards": 2})
    service = Service(name="loading", live="d1", clusters=(D1, scaled))
    assert Target.autoscaler_of(service, "d2").update(URNS).urns == (
        f"{AUTOSCALER}d2-0",
        f"{AUTOSCALER}d2-1",
    )
