"""A cluster with shards: its objects, their order, and what must not change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pulumi
import pytest

from bluegrid.project import Urns
from bluegrid_components.proofs.gate import ANSWERS_IN_A_ROW
from bluegrid_registry import Registry
from tests.program.cluster import api_server, kubeconfig
from tests.program.objects import container_of, pod_of
from tests.program.recorder import run_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bluegrid_components.proofs.gate import Gate
    from tests.program.recorder import Plan

    Write = Callable[..., Path]

NAMES = [f"line-loading-d2-{index}" for index in range(3)]


def sharded(folder: Path, more: str = "shards: 3", cluster: str = "d2") -> Path:
    """The registry, with shards in the row of a cluster."""
    file = folder / "g1.yaml"
    file.write_text(file.read_text().replace(f"{{id: {cluster},", f"{{id: {cluster}, {more},"))
    return folder


@pytest.fixture
def plan(registry: Write) -> Plan:
    return run_program(sharded(registry(replicas=2)))


def test_every_shard_has_a_deployment_a_service_a_preflight_and_a_budget(plan: Plan) -> None:
    for index, name in enumerate(NAMES):
        shard = {"app": "line-loading-d2", "bluegrid.io/shard": f"{index}-of-3"}
        deployment = plan[f"Deployment {name}"].inputs
        assert deployment["metadata"]["name"] == name
        assert deployment["spec"]["replicas"] == 2
        assert deployment["spec"]["selector"]["matchLabels"] == shard
        assert shard.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
        assert plan[f"Service {name}"].inputs["spec"]["selector"] == shard
        assert plan[f"PodDisruptionBudget {name}"].inputs["spec"]["selector"]["matchLabels"] == shard
        for constraint in pod_of(plan, f"Deployment {name}")["topologySpreadConstraints"]:
            assert constraint["labelSelector"]["matchLabels"] == shard
        preflight = plan[f"Job {name}-preflight"].inputs["spec"]["template"]["metadata"]["labels"]
        assert preflight["app"] == f"{name}-preflight"
    assert "Deployment line-loading-d2" not in plan.resources
    assert "Job line-loading-d2-preflight" not in plan.resources


def test_service_and_standing_route_of_the_cluster_lead_to_all_shards(plan: Plan) -> None:
    assert plan["Service line-loading-d2"].inputs["spec"]["selector"] == {"app": "line-loading-d2"}
    assert "Ingress line-loading-d2" in plan.resources


def test_a_pod_knows_its_shard_and_the_addresses_of_all(plan: Plan) -> None:
    for index, name in enumerate(NAMES):
        serving = {
            each["name"]: each.get("value") for each in container_of(plan, f"Deployment {name}")["env"]
        }
        assert serving["BLUEGRID_SHARD"] == f"{index}/3"
        assert json.loads(serving["BLUEGRID_PEERS"]) == [f"http://ip-of-{each}:12345" for each in NAMES]
        proving = {
            each["name"]: each.get("value") for each in container_of(plan, f"Job {name}-preflight")["env"]
        }
        assert proving["BLUEGRID_SHARD"] == f"{index}/3"
        assert "BLUEGRID_PEERS" not in proving


def test_a_probe_asks_a_pod_for_its_own_shard_alone(plan: Plan) -> None:
    for index, name in enumerate(NAMES):
        probe = container_of(plan, f"Deployment {name}")["readinessProbe"]["httpGet"]
        assert probe["httpHeaders"] == [{"name": "Bluegrid-Shard", "value": f"{index}/3"}]


def test_pods_of_the_cluster_may_send_each_other_requests(plan: Plan) -> None:
    spec = plan["NetworkPolicy line-loading-d2"].inputs["spec"]
    pods = {"podSelector": {"matchLabels": {"app": "line-loading-d2"}}}
    port = {"protocol": "TCP", "port": 12345}
    assert spec["podSelector"] == pods["podSelector"]
    assert spec["ingress"] == [{"from": [pods], "ports": [port]}]
    assert spec["egress"] == [{"to": [pods], "ports": [port]}]


def test_no_shard_starts_before_all_are_proven_and_no_route_leads_to_a_part(plan: Plan) -> None:
    preflights = {f"Job {name}-preflight" for name in NAMES}
    for name in NAMES:
        assert preflights <= plan.before(f"Deployment {name}")
    standing = plan.before("Ingress line-loading-d2")
    assert {f"Deployment {name}" for name in NAMES} | {"Service line-loading-d2"} <= standing
    assert preflights <= standing


def test_a_switch_to_a_cluster_with_shards_waits_for_all_of_them(registry: Write) -> None:
    plan = run_program(sharded(registry(live="d2")))
    before = plan.before("Ingress line-loading")
    assert {f"Deployment {name}" for name in NAMES} | {"Ingress line-loading-d2"} <= before


def test_just_before_a_switch_to_shards_their_pods_answer_20_times_in_a_row(
    registry: Write, proofs: list[Gate]
) -> None:
    run_program(registry(live="d2"))
    (whole,) = [each.answers for each in proofs if each.timeout == 30]
    proofs.clear()
    run_program(sharded(registry(live="d2")))
    (in_shards,) = [each.answers for each in proofs if each.timeout == 30]
    assert (whole, in_shards) == (1, ANSWERS_IN_A_ROW)


def test_each_shard_has_an_autoscaler_of_its_own(registry: Write) -> None:
    bounds = "autoscaling: {min: 2, max: 6, cpu: 70}"
    folder = sharded(registry())
    file = folder / "g1.yaml"
    file.write_text(file.read_text().replace("replicas: 1", bounds))
    plan = run_program(folder)
    for name in NAMES:
        target = plan[f"HorizontalPodAutoscaler {name}"].inputs["spec"]["scaleTargetRef"]
        assert target["name"] == name
        assert plan[f"Deployment {name}"].ignored == {"spec.replicas"}


def test_one_shard_is_no_shard(registry: Write) -> None:
    without = run_program(registry())
    assert run_program(sharded(registry(), "shards: 1")).resources == without.resources


def deployment(name: str, shard: str | None = None) -> dict[str, object]:
    labels = {"app": "line-loading-d2", **({"bluegrid.io/shard": shard} if shard else {})}
    return {"metadata": {"name": name, "labels": labels}, "spec": {"replicas": 1}}


def test_another_number_of_shards_of_a_running_cluster_is_refused(
    registry: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/apis/apps/v1/namespaces/bluegrid/deployments"
    objects = {path: {"items": [deployment(f"line-loading-d2-{index}", f"{index}-of-2") for index in (0, 1)]}}
    with api_server(objects=objects, missing=["deployments/line-loading"]) as server:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", server, "kind")))
        for more, said in (("shards: 3", "3"), ("cpu: 1", "1")):
            folder = sharded(registry()) if said == "3" else registry()
            with pytest.raises(pulumi.RunError, match=f"d2 has 2 shards, and the registry says {said}:"):
                run_program(folder)
            assert more
        run_program(sharded(registry(), "shards: 2"))


def test_a_running_cluster_without_shards_gets_none(
    registry: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/apis/apps/v1/namespaces/bluegrid/deployments/line-loading-d2"
    with api_server(objects={path: deployment("line-loading-d2")}) as server:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", server, "kind")))
        with pytest.raises(pulumi.RunError, match="d2 has 1 shards, and the registry says 3:"):
            run_program(sharded(registry()))


def test_a_name_of_a_shard_is_taken_from_no_other_cluster(registry: Write) -> None:
    folder = sharded(registry())
    file = folder / "g1.yaml"
    file.write_text(file.read_text().replace("{id: d1,", "{id: d2-1,").replace("live: d1", "live: d2"))
    named = "shard d2-1 of service line-loading and cluster d2-1 of service line-loading"
    with pytest.raises(pulumi.RunError, match=f"{named} of .*g1.yaml are both named line-loading-d2-1"):
        run_program(folder)


def test_a_name_that_the_last_shard_makes_too_long_is_refused_once(registry: Write) -> None:
    folder = sharded(registry(), "shards: 11")
    file = folder / "g1.yaml"
    file.write_text(file.read_text().replace("name: line-loading", f"name: {'s' * 58}"))
    with pytest.raises(pulumi.RunError, match="has 64 characters") as raised:
        run_program(folder)
    assert str(raised.value).count("characters") == 1


def test_an_update_of_one_service_names_every_resource_of_its_shards(registry: Write) -> None:
    folder = sharded(registry(replicas=2))
    plan = run_program(folder)
    offered = Registry.load(folder).offered("demo")["line-loading"]
    named = Urns("bluegrid", "demo", with_gateway=False).of_service(offered)
    registered = [each.urn for each in plan.resources.values() if "ModelService" in each.urn]
    assert sorted(named) == sorted(registered)
