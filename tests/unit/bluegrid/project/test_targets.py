"""The targets of an update that makes clusters live."""

from __future__ import annotations

import pytest

from bluegrid.project import Target, reason_of, urns_of_cluster
from bluegrid_registry import Autoscaling, Cluster, Service

D1, D2, D3 = (Cluster(id=f"d{n}", version=f"v{n}", cpu="1", memory="1Gi") for n in (1, 2, 3))
ROUTE = "--target=urn:pulumi:north::grid::**::loading"
PODS = "--target=urn:pulumi:north::grid::**$kubernetes:apps/v1:Deployment::loading-"


@pytest.mark.parametrize(
    ("standby_replicas", "clusters", "targets"),
    [
        (None, ["d2"], [ROUTE]),
        (None, ["d1", "d2"], [ROUTE]),
        (0, ["d2"], [ROUTE, f"{PODS}d2"]),
        (0, ["d1", "d2"], [ROUTE, f"{PODS}d1", f"{PODS}d2"]),
    ],
)
def test_it_is_the_live_route_and_the_pods_that_it_needs(
    standby_replicas: int | None, clusters: list[str], targets: list[str]
) -> None:
    service = Service(name="loading", live="d1", clusters=(D1, D2, D3), standbyReplicas=standby_replicas)
    assert Target.of(service, *clusters).options("grid", "north") == ["--stack", "north", *targets]


AUTOSCALER = "--target=urn:pulumi:north::grid::**$kubernetes:autoscaling/v2:HorizontalPodAutoscaler::loading-"


def test_of_an_autoscaled_cluster_it_is_the_autoscaler_too_or_that_alone() -> None:
    scaled = Cluster(
        id="d2", version="v2", cpu="1", memory="1Gi", autoscaling=Autoscaling(min=1, max=4, cpu=70)
    )
    service = Service(name="loading", live="d1", clusters=(D1, scaled))
    assert Target.of(service, "d2").options("grid", "north")[2:] == [ROUTE, f"{AUTOSCALER}d2"]
    assert Target.of(service, "d1", "d2").options("grid", "north")[2:] == [ROUTE, f"{AUTOSCALER}d2"]
    assert Target.of(service, "d1").options("grid", "north")[2:] == [ROUTE]
    assert Target.autoscaler_of(service, "d2").options("grid", "north")[2:] == [f"{AUTOSCALER}d2"]


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


def test_what_a_cluster_is_made_of() -> None:
    assert urns_of_cluster("grid", "north", "line", "d1") == [
        "urn:pulumi:north::grid::**::line-d1",
        "urn:pulumi:north::grid::**::line-d1-preflight",
    ]
