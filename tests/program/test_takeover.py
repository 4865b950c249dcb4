"""Before a cluster becomes live, its autoscaler is raised to as many pods as answer now."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid_components.kubernetes_api.api_server import ApiServer
from bluegrid_components.kubernetes_api.observed_namespace import ObservedNamespace
from bluegrid_components.proofs import takeover
from bluegrid_components.proofs.takeover import Takeovers, TooFewPods
from bluegrid_registry import Autoscaling, Cluster
from bluegrid_registry.contract import DECLARED_MIN
from tests.program.cluster import api_server, kubeconfig
from tests.program.recorder import run_program, run_update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.program.recorder import Plan

    Write = Callable[..., Path]

HPA = "HorizontalPodAutoscaler line-loading-d2"
NAMESPACE = "bluegrid"


def deployment(name: str, wanted: int, ready: int | None = None, **status: Any) -> dict[str, object]:
    """What the API server answers about a Deployment."""
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"
    ready = wanted if ready is None else ready
    return {path: {"spec": {"replicas": wanted}, "status": {"readyReplicas": ready, **status}}}


def shards(name: str, *ready: int) -> dict[str, object]:
    """What it answers about the Deployments of a cluster with shards; `missing` must name the cluster."""
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
    labels = [{"app": name, "bluegrid.io/shard": f"{index}-of-{len(ready)}"} for index in range(len(ready))]
    return {
        path: {
            "items": [
                {
                    "metadata": {"name": f"{name}-{index}", "labels": labels[index]},
                    "spec": {"replicas": count},
                    "status": {"readyReplicas": count},
                }
                for index, count in enumerate(ready)
            ]
        }
    }


def ingress(cluster: str) -> dict[str, object]:
    """What it answers about the live route of an ingress controller."""
    path = f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/ingresses"
    backend = {"service": {"name": f"line-loading-{cluster}"}}
    spec = {"rules": [{"http": {"paths": [{"backend": backend}]}}]}
    return {path: {"items": [{"metadata": {"name": "line-loading"}, "spec": spec}]}}


def http_route(**weights: int) -> dict[str, object]:
    """What it answers about the live route of a Gateway."""
    path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{NAMESPACE}/httproutes"
    refs = [{"name": f"line-loading-{cluster}", "weight": weight} for cluster, weight in weights.items()]
    spec = {"rules": [{"backendRefs": refs}]}
    return {path: {"items": [{"metadata": {"name": "line-loading"}, "spec": spec}]}}


@contextmanager
def running(folder: Path, *objects: Mapping[str, object], missing: Sequence[str] = ()) -> Iterator[str]:
    """A cluster in which these run; yields its kubeconfig."""
    every = {path: body for each in objects for path, body in each.items()}
    with api_server(objects=every, missing=missing) as url:
        yield str(kubeconfig(folder / "config", url, "kind"))


def autoscaled(folder: Path, least: int, most: int) -> Path:
    """The registry, with an autoscaler in the place of d2's `replicas`."""
    file = folder / "g1.yaml"
    head, _, row = file.read_text().partition("id: d2")
    bounds = f"autoscaling: {{min: {least}, max: {most}, cpu: 70}}"
    file.write_text(f"{head}id: d2{row.replace('replicas: 1', bounds, 1)}")
    return folder


def plan(registry: Path, file: str, **changed: str) -> Plan:
    return run_program(registry, kubeconfig=file, namespace=NAMESPACE, **changed)


def test_the_autoscaler_of_a_cluster_that_takes_over_keeps_as_many_pods_as_answer_now(
    registry: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with running(tmp_path, ingress("d1"), deployment("line-loading-d1", 8)) as file:
        made = plan(autoscaled(registry(live="d2"), 2, 10), file)
    assert made[HPA].inputs["spec"]["minReplicas"] == 8
    assert made[HPA].inputs["metadata"]["annotations"][DECLARED_MIN] == "2"
    assert made["Ingress line-loading"].hooks["before_update"] == ("bluegrid-takeover", "bluegrid-ready")
    assert "the next `pulumi up` gives it back its min of 2" in caplog.text
    # The route waits for the autoscaler, which its pods come from.
    assert HPA in made.before("Ingress line-loading")


def test_an_update_that_does_not_switch_declares_the_min_of_the_registry(
    registry: Write, tmp_path: Path
) -> None:
    with running(tmp_path, ingress("d2"), deployment("line-loading-d2", 8)) as file:
        made = plan(autoscaled(registry(live="d2"), 2, 10), file)
    assert made[HPA].inputs["spec"]["minReplicas"] == 2
    assert DECLARED_MIN not in made[HPA].inputs["metadata"]["annotations"]
    assert made["Ingress line-loading"].hooks["before_update"] == ("bluegrid-ready",)


def test_a_preview_shows_it(registry: Write, tmp_path: Path) -> None:
    folder = autoscaled(registry(live="d2"), 2, 10)
    with running(tmp_path, ingress("d1"), deployment("line-loading-d1", 8)) as file:
        made = run_update(folder, {"kubeconfig": file, "namespace": NAMESPACE}, preview=True)
    assert made[HPA].inputs["spec"]["minReplicas"] == 8


def test_a_preview_that_reaches_nobody_shows_the_min_of_the_registry(registry: Write, tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config", "http://127.0.0.1:1", "kind")
    folder = autoscaled(registry(live="d2"), 2, 10)
    made = run_update(folder, {"kubeconfig": str(file), "namespace": NAMESPACE}, preview=True)
    assert made[HPA].inputs["spec"]["minReplicas"] == 2


def test_a_switch_at_once_waits_for_no_pods_and_has_them_come_after_it(
    registry: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLUEGRID_AT_ONCE", "1")
    with running(tmp_path, ingress("d1"), deployment("line-loading-d1", 8)) as file:
        made = plan(autoscaled(registry(live="d2"), 2, 10), file)
    assert made[HPA].inputs["spec"]["minReplicas"] == 8
    assert made["Ingress line-loading"].hooks["before_update"] == ("bluegrid-ready",)


def test_where_the_proxy_is_out_of_reach_it_is_waited_for_too(registry: Write, tmp_path: Path) -> None:
    with running(tmp_path, ingress("d1"), deployment("line-loading-d1", 8)) as file:
        made = plan(autoscaled(registry(live="d2"), 2, 10), file, routeAddress="")
    assert made["Ingress line-loading"].hooks["before_update"] == ("bluegrid-takeover", "bluegrid-handover")


def test_no_more_than_max_and_that_is_warned_of(
    registry: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running(tmp_path, ingress("d1"), deployment("line-loading-d1", 8)) as file:
        made = plan(autoscaled(registry(live="d2"), 2, 5), file)
    assert made[HPA].inputs["spec"]["minReplicas"] == 5
    assert (
        "service line-loading: d2 takes over from 8 of d1 and needs 8 pods for that; its autoscaling.max is "
        "5: raise it before the switch"
    ) in caplog.text


@pytest.mark.parametrize(
    ("wanted", "ready", "least"),
    [
        # Those that are ready answer; more than that was never needed for it.
        (8, 5, 5),
        # An autoscaler is taking some.
        (3, 8, 3),
        # Nobody answers: that is no reason to wait.
        (8, 0, 2),
        # A `min` that suffices stays.
        (1, 1, 2),
    ],
)
def test_what_counts_is_what_answers_and_is_to_stay(
    registry: Write, tmp_path: Path, wanted: int, ready: int, least: int
) -> None:
    with running(tmp_path, ingress("d1"), deployment("line-loading-d1", wanted, ready)) as file:
        made = plan(autoscaled(registry(live="d2"), 2, 10), file)
    assert made[HPA].inputs["spec"]["minReplicas"] == least


@pytest.mark.parametrize(
    ("traffic", "least"),
    [
        # A tenth of the requests takes a tenth of the pods.
        ("{d1: 90, d2: 10}", 2),
        ("{d1: 50, d2: 50}", 5),
        ("{d2: 1}", 9),
    ],
)
def test_behind_a_gateway_it_is_by_the_share_that_a_cluster_gets(
    registry: Write, tmp_path: Path, traffic: str, least: int
) -> None:
    live = "d1" if "d1" in traffic else "d2"
    folder = autoscaled(registry(live=live, more=f"  traffic: {traffic}"), 2, 10)
    with running(tmp_path, http_route(d1=100), deployment("line-loading-d1", 9)) as file:
        made = plan(folder, file, ingressClass="", gateway="networking/public")
    assert made[HPA].inputs["spec"]["minReplicas"] == least


def test_a_cluster_that_had_a_share_gets_what_all_requests_take(registry: Write, tmp_path: Path) -> None:
    seen = http_route(d1=90, d2=10), deployment("line-loading-d1", 9), deployment("line-loading-d2", 2)
    with running(tmp_path, *seen) as file:
        folder = autoscaled(registry(live="d2"), 2, 20)
        made = plan(folder, file, ingressClass="", gateway="networking/public")
    # By d1's: 9 for 90 %. By d2's it would be 20, since its min is more than its share takes.
    assert made[HPA].inputs["spec"]["minReplicas"] == 10


def test_a_cluster_of_a_fixed_size_and_a_standby_stay_as_they_are(registry: Write, tmp_path: Path) -> None:
    with running(tmp_path, ingress("d2"), deployment("line-loading-d2", 8)) as file:
        made = plan(autoscaled(registry(live="d1"), 2, 10), file)
    assert made["Deployment line-loading-d1"].inputs["spec"]["replicas"] == 2
    assert made[HPA].inputs["spec"]["minReplicas"] == 2
    assert made["Ingress line-loading"].hooks["before_update"] == ("bluegrid-ready",)


def in_shards(folder: Path, **counts: int) -> Path:
    """The registry, with clusters in shards."""
    file = folder / "g1.yaml"
    for cluster, count in counts.items():
        file.write_text(file.read_text().replace(f"{{id: {cluster},", f"{{id: {cluster}, shards: {count},"))
    return folder


@pytest.mark.parametrize(
    ("ready", "count", "least"),
    [
        # As many as the busiest shard has: the same UIDs are in the same shard.
        ((7, 3), 2, 7),
        # Two times 7 pods in four shards.
        ((7, 3), 4, 4),
        # Not more than max.
        ((7, 9), 1, 12),
    ],
)
def test_each_shard_keeps_as_many_pods_as_the_busiest_of_the_cluster_before_it(
    registry: Write, tmp_path: Path, ready: tuple[int, ...], count: int, least: int
) -> None:
    folder = in_shards(autoscaled(registry(live="d2"), 2, 12), d1=len(ready), d2=count)
    seen = ingress("d1"), shards("line-loading-d1", *ready)
    with running(tmp_path, *seen, missing=["deployments/line-loading"]) as file:
        made = plan(folder, file)
    names = [f"{HPA}-{index}" for index in range(count)] if count > 1 else [HPA]
    for name in names:
        assert made[name].inputs["spec"]["minReplicas"] == least
        assert made[name].inputs["metadata"]["annotations"][DECLARED_MIN] == "2"
        assert name in made.before("Ingress line-loading")
    hooks = made["Ingress line-loading"].hooks["before_update"]
    assert hooks == ("bluegrid-takeover", "bluegrid-ready")


@dataclass
class Waiting:
    """A switch to d2, from five pods of d1, and what Kubernetes says of d2 from one look to the next."""

    folder: Path
    objects: dict[str, object] = field(default_factory=dict)

    def run(self, seconds: float, autoscaling: Autoscaling | None = None) -> None:
        self.objects |= {**ingress("d1"), **deployment("line-loading-d1", 5)}
        cluster = Cluster(
            id="d2",
            version="v2",
            cpu="1",
            memory="1Gi",
            autoscaling=autoscaling or Autoscaling(min=2, max=9, cpu=70),
        )
        with api_server(objects=self.objects) as url:
            server = ApiServer("kind", str(kubeconfig(self.folder / "config", url, "kind")))
            takeovers = Takeovers(ObservedNamespace(server, NAMESPACE, with_gateway=False), seconds)
            takeovers.prepare("line-loading", [cluster], {"d2": 1})
            (size,) = takeovers._awaited["line-loading"]
            asyncio.run(takeovers._wait_for(size))


@pytest.fixture
def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Waiting:
    monkeypatch.setattr(takeover, "_POLL_SECONDS", 0.01)
    return Waiting(tmp_path)


def test_the_route_goes_on_once_the_pods_are_ready(waiting: Waiting) -> None:
    waiting.objects |= deployment("line-loading-d2", 5)
    waiting.run(seconds=0)


def test_the_route_waits_for_the_shard_with_the_fewest_pods(tmp_path: Path) -> None:
    cluster = Cluster(
        id="d2", version="v2", shards=2, cpu="1", memory="1Gi", autoscaling=Autoscaling(min=2, max=9, cpu=70)
    )
    seen = [ingress("d1"), shards("line-loading-d1", 5, 4)]
    with running(tmp_path, *seen, missing=["deployments/line-loading"]) as file:
        server = ApiServer("kind", file)
        takeovers = Takeovers(ObservedNamespace(server, NAMESPACE, with_gateway=False), 0.05)
        takeovers.prepare("line-loading", [cluster], {"d2": 1})
        (size,) = takeovers._awaited["line-loading"]
        # The fake API server has the same answer for both clusters.
        with pytest.raises(TooFewPods, match="takes over from 2 x 5 of d1, and 4 of 5 pods are ready"):
            asyncio.run(takeovers._wait_for(size))


def test_too_few_pods_in_the_time_are_refused_with_the_reason_and_both_ways_on(waiting: Waiting) -> None:
    pending = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}
    pod = {"metadata": {"name": "line-loading-d2-x"}, "status": {"conditions": [pending]}}
    waiting.objects |= deployment("line-loading-d2", 5, 3)
    waiting.objects |= {f"/api/v1/namespaces/{NAMESPACE}/pods": {"items": [pod]}}
    with pytest.raises(TooFewPods) as refused:
        waiting.run(seconds=0.05)
    assert str(refused.value) == (
        "service line-loading: d2 takes over from 5 of d1, and 3 of 5 pods are ready after 0 s "
        "(line-loading-d2-x: 0/1 nodes are available); the live route is as it was: make room for them, or "
        "switch with those that are ready: BLUEGRID_AT_ONCE=1 pulumi up, or bluegrid switch line-loading d2 "
        "--up --at-once"
    )


def test_an_autoscaler_that_does_not_ask_for_pods_is_named(waiting: Waiting) -> None:
    waiting.objects |= deployment("line-loading-d2", 2)
    with pytest.raises(TooFewPods, match=r"its autoscaler has asked for 2; see `kubectl describe hpa`"):
        waiting.run(seconds=0.05)


@pytest.mark.parametrize("is_refused", [True, False])
def test_what_is_hopeless_is_not_waited_for_all_the_time(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch, is_refused: bool
) -> None:
    monkeypatch.setattr(takeover, "_HOPELESS_SECONDS", 0.05)
    quota = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: platform"}
    status = {"conditions": [quota]} if is_refused else {}
    waiting.objects |= deployment("line-loading-d2", 5, 3 if is_refused else 0, **status)
    why = r"3 of 5 pods are ready after 0 s \(exceeded quota: platform\)" if is_refused else "0 of 5 pods"
    with pytest.raises(TooFewPods, match=why):
        waiting.run(seconds=600)


def test_no_more_than_max_is_waited_for(waiting: Waiting) -> None:
    waiting.objects |= deployment("line-loading-d2", 3)
    waiting.run(seconds=0, autoscaling=Autoscaling(min=2, max=3, cpu=70))
