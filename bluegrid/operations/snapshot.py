"""A snapshot of a namespace: its objects, and reports of its pods, all requested at once."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from bluegrid.operations.api import AT_ONCE, OURS, KubernetesError
from bluegrid.operations.metrics import Counts, read_counts
from bluegrid.operations.pods import pod_status
from bluegrid.operations.routes import live_clusters
from bluegrid.operations.shards import LOST_SHARD, whole_clusters
from bluegrid_registry.contract import LABEL, METRICS_PORT, PORT, SHARD, service_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bluegrid.operations.api import Namespace, Object
    from bluegrid.operations.pods import PodStatus


@dataclass(frozen=True)
class PodReport:
    """The report of a pod about itself.

    Attributes:
        counts: its metrics; None: it returned none.
        unready: why it is not ready; None: it is ready.
    """

    counts: Counts | None
    unready: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """A namespace at one moment.

    Attributes:
        at: when the pods were asked, in seconds of a monotonic clock.
        now: the time of day.
        deployments: one for each cluster; see `whole_clusters`.
        ingresses, http_routes, pods: the objects of bluegrid, pods of preflights too.
        reports: of serving pods, by name; pods that did not answer are absent.
        report_fault: why pods that should report did not; None: all did.
        autoscalers: the autoscalers of bluegrid; empty without the right to list them.
    """

    at: float
    now: datetime
    deployments: Sequence[Object]
    ingresses: Sequence[Object]
    http_routes: Sequence[Object]
    pods: Sequence[Object]
    reports: Mapping[str, PodReport]
    report_fault: str | None
    autoscalers: Sequence[Object] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing of bluegrid is there."""
        return not (self.deployments or self.ingresses or self.http_routes or self.pods)

    @cached_property
    def pod_statuses(self) -> Mapping[str, PodStatus]:
        """The status of each pod by Kubernetes, by name."""
        return {pod["metadata"]["name"]: pod_status(pod, self.now) for pod in self.pods}

    def counts_of(self, pods: Iterable[str]) -> Mapping[str, Counts]:
        """Return the counts of pods, by name; without pods that reported none."""
        reports = {pod: self.reports[pod] for pod in pods if pod in self.reports}
        return {pod: report.counts for pod, report in reports.items() if report.counts is not None}

    def counts_by_shard(self, pods: Iterable[str]) -> Sequence[Sequence[Counts]]:
        """Return the counts of a cluster's pods, grouped by shard; one group without shards."""
        by_shard: dict[str, list[Counts]] = defaultdict(list)
        for pod, counts in self.counts_of(pods).items():
            by_shard[self._shards_of_pods.get(pod, "")].append(counts)
        return [*by_shard.values()]

    def live_clusters_of(self, service: str) -> tuple[str, ...]:
        """Return the clusters that get a service's requests, the live one first; empty: it is not online."""
        return live_clusters((*self.ingresses, *self.http_routes), service)

    def replicas_of(self, name: str) -> tuple[int, int]:
        """Return the ready pods and the declared replicas of a Deployment; 0 and 0 if there is none."""
        deployment = self._deployment(name)
        if deployment is None:
            return 0, 0
        return deployment["status"].get("readyReplicas", 0), deployment["spec"]["replicas"]

    def lost_shards_of(self, name: str) -> str | None:
        """Return which shards of a cluster have no ready pod; None: all have, or it has no shards."""
        deployment = self._deployment(name) or {"status": {}}
        conditions = deployment["status"].get("conditions", ())
        return next((each["message"] for each in conditions if each["type"] == LOST_SHARD), None)

    def version_of(self, name: str) -> str:
        """Return the version that a Deployment serves; empty if there is no such Deployment."""
        deployment = self._deployment(name)
        return "" if deployment is None else str(deployment["metadata"]["labels"][f"{LABEL}/version"])

    def pods_of(self, name: str) -> Sequence[str]:
        """Return the names of the pods with this label `app`."""
        return self._pods_by_app.get(name, ())

    def pods_of_cluster(self, service: str, cluster: str) -> Sequence[Object]:
        """Return the pods of a cluster, those of its preflight too."""
        return self._pods_by_cluster.get((service, cluster), ())

    def _deployment(self, name: str) -> Object | None:
        return self._deployments_by_name.get(name)

    # A namespace may have hundreds of clusters, each of which looks for its own objects.

    @cached_property
    def _deployments_by_name(self) -> Mapping[str, Object]:
        return {each["metadata"]["name"]: each for each in self.deployments}

    @cached_property
    def _pods_by_app(self) -> Mapping[str, Sequence[str]]:
        names: dict[str, list[str]] = defaultdict(list)
        for pod in self.pods:
            if app := pod["metadata"]["labels"].get("app"):
                names[app].append(pod["metadata"]["name"])
        return dict(names)

    @cached_property
    def _shards_of_pods(self) -> Mapping[str, str]:
        labels = {pod["metadata"]["name"]: pod["metadata"]["labels"] for pod in self.pods}
        return {name: each[SHARD] for name, each in labels.items() if SHARD in each}

    @cached_property
    def _pods_by_cluster(self) -> Mapping[tuple[str, str], Sequence[Object]]:
        pods: dict[tuple[str, str], list[Object]] = defaultdict(list)
        for pod in self.pods:
            pods[_label(pod, "service"), _label(pod, "cluster")].append(pod)
        return dict(pods)


def take_snapshot(namespace: Namespace, service: str | None = None, cluster: str | None = None) -> Snapshot:
    """Take a snapshot of all services of a namespace, of one service, or of one of its clusters.

    Raises:
        KubernetesError: the API server does not answer, or this login may not list the objects.
    """
    selector = ",".join([OURS, *([f"{LABEL}/service={service}"] if service else [])])
    kinds = ("apis/apps/v1/deployments", "apis/networking.k8s.io/v1/ingresses", "api/v1/pods")
    with ThreadPoolExecutor(AT_ONCE) as threads:
        http_routes = threads.submit(namespace.http_routes, selector)
        autoscalers = threads.submit(namespace.autoscalers, selector)
        deployments, ingresses, pods = threads.map(lambda kind: namespace.objects(kind, selector), kinds)
        serving = [pod for pod in pods if _answers(pod) and cluster in (None, _label(pod, "cluster"))]
        at = time.monotonic()
        answers = [*threads.map(lambda pod: _report(namespace, pod), serving)]
    reports, refused, silent = {}, [], []
    for pod, answer in zip(serving, answers, strict=True):
        if isinstance(answer, PodReport):
            reports[pod["metadata"]["name"]] = answer
        elif answer.is_forbidden:
            refused.append(str(answer))
        elif _is_ready(pod):
            silent.append(str(answer))
    report_fault = refused[0] if refused else None
    if silent:
        report_fault = f"{len(silent)} of {len(serving)} pods did not answer, such as: {silent[0]}"
    return Snapshot(
        at,
        datetime.now(UTC),
        whole_clusters(deployments),
        ingresses,
        http_routes.result(),
        pods,
        reports,
        report_fault,
        autoscalers.result(),
    )


def _label(thing: Object, name: str) -> str:
    return str(thing["metadata"]["labels"].get(f"{LABEL}/{name}", ""))


def _answers(pod: Object) -> bool:
    """Whether the pod's server runs; the pod of a preflight has no server."""
    named = f"{_label(pod, 'service')}-{_label(pod, 'cluster')}"
    containers = pod["status"].get("containerStatuses", ())
    return pod["metadata"]["labels"].get("app") == named and any(
        "running" in each["state"] for each in containers
    )


def _is_ready(pod: Object) -> bool:
    return all(each["ready"] for each in pod["status"]["containerStatuses"])


def _report(namespace: Namespace, pod: Object) -> PodReport | KubernetesError:
    """Request the report of a pod; return an error instead of raising it, to keep the other pods' reports."""
    name = pod["metadata"]["name"]
    try:
        metrics = namespace.ask(name, METRICS_PORT, "metrics")
        counts = read_counts(metrics.body.decode()) if metrics.status < 400 else None
        if _is_ready(pod):
            return PodReport(counts)
        health = namespace.ask(name, PORT, f"{service_path(_label(pod, 'service'))}/v2/health/ready")
        return PodReport(counts, json.loads(health.body).get("reason"))
    except KubernetesError as error:
        return error
    except ValueError as error:
        return KubernetesError(f"pod {name}: {error}")
