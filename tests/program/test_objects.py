"""Objects that the program makes from a registry: names, labels, pods, permissions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.program.objects import path_of, pod_of
from tests.program.recorder import SECRETS, run_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]

CLUSTER_LABELS = {
    "app": "line-loading-d1",
    "app.kubernetes.io/managed-by": "bluegrid",
    "bluegrid.io/service": "line-loading",
    "bluegrid.io/cluster": "d1",
    "bluegrid.io/set": "g1",
    "bluegrid.io/version": "v1",
}


def test_a_cluster_is_one_name_in_all_its_objects(registry: Write) -> None:
    plan = run_program(registry())
    for kind in ("Deployment", "Service", "Ingress", "PodDisruptionBudget"):
        metadata = plan[f"{kind} line-loading-d1"].inputs["metadata"]
        assert metadata["name"] == "line-loading-d1"
        assert metadata["labels"] == CLUSTER_LABELS


def test_a_service_sends_requests_to_the_pods_of_its_cluster_only(registry: Write) -> None:
    plan = run_program(registry())
    service = plan["Service line-loading-d1"].inputs["spec"]
    deployment = plan["Deployment line-loading-d1"].inputs["spec"]
    assert service["selector"] == {"app": "line-loading-d1"} == deployment["selector"]["matchLabels"]
    assert service["ports"] == [{"name": "http", "port": 12345, "targetPort": "http"}]
    assert deployment["template"]["metadata"]["labels"]["app"] == "line-loading-d1"
    preflight = plan["Job line-loading-d1-preflight"].inputs["spec"]["template"]["metadata"]["labels"]
    assert preflight["app"] == "line-loading-d1-preflight"


def test_a_region_has_its_own_numbers_of_pods(registry: Write) -> None:
    plan = run_program(registry(), sizeFactor="1.5", replicas='{"line-loading-d2": 1}')
    pods = {name: plan[f"Deployment line-loading-{name}"].inputs["spec"]["replicas"] for name in ("d1", "d2")}
    assert pods == {"d1": 3, "d2": 1}


def test_the_live_route_is_the_one_url_of_the_service(registry: Write) -> None:
    plan = run_program(registry(), host="models.example.org")
    assert path_of(plan, "Ingress line-loading") == {
        "path": "/modelService/line-loading",
        "pathType": "Prefix",
        "backend": {"service": {"name": "line-loading-d1", "port": {"number": 12345}}},
    }
    assert plan["Ingress line-loading"].inputs["spec"]["rules"][0]["host"] == "models.example.org"
    assert plan["Ingress line-loading"].inputs["spec"]["ingressClassName"] == "contour"
    assert plan.outputs["urls"] == {"line-loading": "http://models.example.org/modelService/line-loading"}


@pytest.mark.parametrize(
    "proxy", [{"ingressClass": "nginx"}, {"ingressClass": "", "gateway": "infra/public"}]
)
def test_every_route_has_the_annotations_that_the_stack_has_for_its_proxy(
    registry: Write, proxy: dict[str, str]
) -> None:
    # As `pulumi config set --path` writes what looks like a number.
    given = {"nginx.ingress.kubernetes.io/proxy-body-size": "16m", "example.com/timeout": 60}
    plan = run_program(registry(), routeAnnotations=json.dumps(given), **proxy)
    kind = "Ingress" if proxy["ingressClass"] else "HTTPRoute"
    for name in ("line-loading", "line-loading-d1", "line-loading-d2"):
        assert plan[f"{kind} {name}"].inputs["metadata"]["annotations"] == {
            "nginx.ingress.kubernetes.io/proxy-body-size": "16m",
            "example.com/timeout": "60",
            "pulumi.com/patchForce": "true",
            "pulumi.com/skipAwait": "true",
        }


def test_a_certificate_is_of_the_live_route_s_host_alone(registry: Write) -> None:
    plan = run_program(registry(), host="models.example.org", tlsSecret="models-tls")
    assert plan["Ingress line-loading"].inputs["spec"]["tls"] == [
        {"hosts": ["models.example.org"], "secretName": "models-tls"}
    ]
    assert "tls" not in plan["Ingress line-loading-d1"].inputs["spec"]
    assert plan.outputs["urls"] == {"line-loading": "https://models.example.org/modelService/line-loading"}


def test_pods_are_spread_over_zones_and_nodes(registry: Write) -> None:
    constraints = pod_of(run_program(registry()), "Deployment line-loading-d1")["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in constraints] == [
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    ]
    for each in constraints:
        assert each["labelSelector"] == {"matchLabels": {"app": "line-loading-d1"}}
        assert each["whenUnsatisfiable"] == "ScheduleAnyway"


def test_pods_may_speak_with_the_store_and_dns_only(registry: Write) -> None:
    plan = run_program(registry())
    spec = plan["NetworkPolicy platform"].inputs["spec"]
    (label,) = spec["podSelector"]["matchLabels"].items()
    for key in ("Deployment line-loading-d1", "Job line-loading-d1-preflight"):
        assert label in plan[key].inputs["spec"]["template"]["metadata"]["labels"].items()
    assert spec["egress"][0]["to"] == [{"ipBlock": {"cidr": "10.0.0.1/32"}}]


def test_predictions_are_asked_from_the_proxy_s_namespace_alone_where_the_stack_names_it(
    registry: Write,
) -> None:
    plan = run_program(registry(), proxyNamespace="projectcontour")
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "projectcontour"}}}
    assert plan["NetworkPolicy platform"].inputs["spec"]["ingress"] == [
        {"ports": [{"protocol": "TCP", "port": 12345}], "from": [peer]},
        {"ports": [{"protocol": "TCP", "port": 8082}]},
    ]


def test_every_cluster_stands_under_a_host_that_nobody_can_guess(registry: Write) -> None:
    hosts = []
    for key in ("one", "another"):
        plan = run_program(registry(), routeKey=key, standingDomain="standing.example.org")
        for cluster in ("d1", "d2"):
            ingress = plan[f"Ingress line-loading-{cluster}"]
            assert path_of(plan, ingress.key)["backend"]["service"]["name"] == f"line-loading-{cluster}"
            assert "spec.rules[0].host" in ingress.secrets
            hosts.append(ingress.inputs["spec"]["rules"][0]["host"])
    assert len(set(hosts)) == 4
    for host in hosts:
        label, _, domain = host.partition(".")
        assert (len(label), domain) == (40, "standing.example.org")


def test_a_cluster_of_one_pod_has_no_disruption_budget(registry: Write) -> None:
    plan = run_program(registry())
    assert plan["PodDisruptionBudget line-loading-d1"].inputs["spec"]["maxUnavailable"] == 1
    assert "PodDisruptionBudget line-loading-d2" not in plan.resources


def autoscaled(folder: Path, bounds: str) -> Path:
    """The registry, with an autoscaler in the place of d2's `replicas`."""
    file = folder / "g1.yaml"
    head, _, row = file.read_text().partition("id: d2")
    file.write_text(f"{head}id: d2{row.replace('replicas: 1', f'autoscaling: {bounds}', 1)}")
    return folder


def test_an_autoscaled_cluster_starts_with_its_fewest_pods_and_the_program_leaves_their_number_alone(
    registry: Write,
) -> None:
    plan = run_program(autoscaled(registry(), "{min: 2, max: 6, cpu: 70}"))
    deployment = plan["Deployment line-loading-d2"]
    assert deployment.inputs["spec"]["replicas"] == 2
    assert deployment.ignored == {"spec.replicas"}
    assert plan["HorizontalPodAutoscaler line-loading-d2"].inputs["spec"] == {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "line-loading-d2"},
        "minReplicas": 2,
        "maxReplicas": 6,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
            }
        ],
    }
    assert "PodDisruptionBudget line-loading-d2" in plan.resources
    assert "after_create" in plan["Ingress line-loading-d2"].hooks


def test_a_cluster_of_a_fixed_size_has_that_size_whoever_changed_it(registry: Write) -> None:
    plan = run_program(registry())
    deployment = plan["Deployment line-loading-d1"]
    assert deployment.ignored == frozenset()
    assert deployment.inputs["metadata"]["annotations"] == {"pulumi.com/patchForce": "true"}
    # Else a cluster that gets an autoscaler would not be touched where its size stays.
    scaled = run_program(autoscaled(registry(), "{min: 1, max: 2, cpu: 70}"))
    assert scaled["Deployment line-loading-d2"].inputs["metadata"]["annotations"] == {}
    assert "PodDisruptionBudget line-loading-d2" not in scaled.resources


def test_a_quota_is_the_namespace_s_and_of_what_is_set(registry: Write) -> None:
    assert "ResourceQuota platform" not in run_program(registry()).resources
    plan = run_program(registry(), quotaMemory="64Gi", quotaPods="40")
    quota = plan["ResourceQuota platform"].inputs
    assert quota["spec"]["hard"] == {"requests.memory": "64Gi", "pods": "40"}


def test_standbys_have_fewer_pods_where_the_service_says_so(registry: Write) -> None:
    folder = registry(live="{default: d1, north: d2}", replicas=3, more="  standbyReplicas: 1")
    for stack, expected in (("demo", {"d1": 2, "d2": 1}), ("north", {"d1": 1, "d2": 3})):
        plan = run_program(folder, stack)
        for cluster, replicas in expected.items():
            assert plan[f"Deployment line-loading-{cluster}"].inputs["spec"]["replicas"] == replicas
            # A switch neither makes nor deletes it.
            assert f"PodDisruptionBudget line-loading-{cluster}" in plan.resources


def test_a_standby_has_no_more_pods_than_when_it_is_live(registry: Write) -> None:
    plan = run_program(registry(replicas=2, more="  standbyReplicas: 5"))
    assert plan["Deployment line-loading-d2"].inputs["spec"]["replicas"] == 2


def test_secrets_are_marked_and_stand_nowhere_else(registry: Write) -> None:
    plan = run_program(registry())
    assert "stringData" in plan["Secret bluegrid-store"].secrets
    assert plan["Secret bluegrid-store"].inputs["stringData"] == {
        "AWS_ACCESS_KEY_ID": SECRETS["storeAccessKey"],
        "AWS_SECRET_ACCESS_KEY": SECRETS["storeSecretKey"],
    }
    others = [each for key, each in plan.resources.items() if key != "Secret bluegrid-store"]
    for secret in SECRETS.values():
        assert not [each.key for each in others if f"'{secret}'" in repr(each.inputs)]
        assert secret not in repr(plan.outputs)


@pytest.mark.parametrize("stack", ["demo", "north"])
def test_everything_stands_in_the_stacks_namespace_and_says_who_made_it(registry: Write, stack: str) -> None:
    plan = run_program(registry(), stack, namespace=f"bluegrid-{stack}")
    assert plan["Namespace platform"].inputs["metadata"]["name"] == f"bluegrid-{stack}"
    for each in plan.objects():
        metadata = each.inputs["metadata"]
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "bluegrid"
        if each.type != "kubernetes:core/v1:Namespace":
            assert metadata["namespace"] == f"bluegrid-{stack}"


def test_the_current_kube_context_is_never_used(registry: Write) -> None:
    provider = run_program(registry(), kubeContext="kind-models")["kubernetes kubernetes"]
    assert provider.inputs["context"] == "kind-models"
