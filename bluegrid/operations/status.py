"""The status of each cluster that runs or is declared, with drift from the registry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from bluegrid.operations.metrics import traffic
from bluegrid.operations.pods import PodStatus, age_seconds, in_words
from bluegrid.operations.routes import url_of
from bluegrid.operations.shards import LOST_SHARD
from bluegrid.states import KubernetesObject, ServiceState, states_of_objects
from bluegrid.states.drift import drift, explained
from bluegrid_registry.contract import (
    LABEL,
    cluster_of_labels,
    part_ids,
    preflight_name,
    service_path,
    shards_of_labels,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bluegrid.operations.api import Object
    from bluegrid.operations.snapshot import Snapshot

ABSENT = "absent"
_TYPES = {
    "autoscalers": "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
    "deployments": "kubernetes:apps/v1:Deployment",
    "ingresses": "kubernetes:networking.k8s.io/v1:Ingress",
    "httproutes": "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute",
}


@dataclass(frozen=True)
class ClusterStatus:
    """The status of one cluster, running or only declared.

    Attributes:
        service, cluster, version: name and IDs.
        live: whether the service's live route leads to it.
        ready, replicas: pods that get requests, and declared pods.
        state: the states of its pods, summed up (seed: module M205).
        why: the reason of a fault; None: there is no fault.
        models_loaded: models in memory, of the pod with the fewest; with shards, the sum over them; None: no
            pod reported.
        models_expected: models of its version; with shards, of those whose pods reported.
        requests_per_second, errors_per_second: inference requests, and those that the pods failed.
        refused_per_second: requests that were answered 400 to 499, mostly mistakes of clients.
        p99_ms: milliseconds that 99 of 100 requests took at most; None: there were no requests.
        age_seconds: since its Deployment was created.
        pods: status of each pod.
        drift: differences from YAML.
        url: the service's, which the live cluster answers; None: the service has no live route.
        shards: number of its shards; 1: it has none.
    """

    service: str
    cluster: str
    version: str
    live: bool
    ready: int
    replicas: int
    state: str
    why: str | None = None
    models_loaded: int | None = None
    models_expected: int | None = None
    requests_per_second: float | None = None
    errors_per_second: float | None = None
    refused_per_second: float | None = None
    p99_ms: float | None = None
    age_seconds: int | None = None
    pods: tuple[PodStatus, ...] = ()
    drift: tuple[str, ...] = ()
    url: str | None = None
    shards: int = 1

    @property
    def is_well(self) -> bool:
        """Whether all its pods are ready, without faults or drift."""
        return self.ready == self.replicas and self.why is None and not self.drift


def statuses(
    before: Snapshot,
    now: Snapshot,
    declared: Mapping[str, ServiceState] | None,
    made: Mapping[str, ServiceState] | None = None,
    address: str | None = None,
) -> list[ClusterStatus]:
    """Return every cluster that runs or is declared, by service and name.

    Args:
        before: an earlier snapshot; traffic is counted from there.
        now: the snapshot whose clusters are returned.
        declared: services in YAML; None: not known, and no drift is reported.
        made: services in the stack's state; None: causes of drift are not reported.
        address: URL of the proxy, for routes that say no host; None: not known.
    """
    routes = {each["metadata"]["name"]: each for each in (*now.http_routes, *now.ingresses)}
    rows = _statuses(before, now, declared, made)
    return [
        replace(row, url=url_of([routes[row.service]], row.service, address))
        if row.service in routes
        else row
        for row in rows
    ]


def _statuses(
    before: Snapshot,
    now: Snapshot,
    declared: Mapping[str, ServiceState] | None,
    made: Mapping[str, ServiceState] | None,
) -> list[ClusterStatus]:
    running = states_of_objects(
        [
            *_objects("autoscalers", now.autoscalers),
            *_objects("deployments", now.deployments),
            *_objects("ingresses", now.ingresses),
            *_objects("httproutes", now.http_routes),
        ]
    )
    rows = {(each.service, each.cluster): each for each in _running(before, now, running)}
    if declared is None:
        return [rows[key] for key in sorted(rows)]
    for state in declared.values():
        for cluster in state.clusters.values():
            absent = ClusterStatus(
                state.name,
                cluster.id,
                cluster.version,
                live=state.name in running and cluster.id in running[state.name].answering,
                ready=0,
                replicas=cluster.replicas if isinstance(cluster.replicas, int) else cluster.replicas.min,
                state=ABSENT,
                why=preflight_fault(now, state.name, cluster.id),
            )
            rows.setdefault((state.name, cluster.id), absent)
    differences = drift(declared, running)
    if made is not None:
        differences = explained(differences, declared, made, running)
    for each in differences:
        for key in _rows_of_drift(each.service, each.cluster, rows, declared, running):
            rows[key] = replace(rows[key], drift=(*rows[key].drift, each.text))
    return [rows[key] for key in sorted(rows)]


def outages(rows: Iterable[ClusterStatus], now: Snapshot) -> list[str]:
    """Return a line for each service that is online and does not answer.

    Args:
        rows: status of all clusters, by `statuses` of this snapshot.
        now: the snapshot.
    """
    return [f"{service}: {why}" for service, why in unanswered(rows, now).items()]


def unanswered(rows: Iterable[ClusterStatus], now: Snapshot) -> dict[str, str]:
    """Return the lines of `outages` by service, without its name."""
    there = online(now)
    by_service = {service: [*found] for service, found in groupby(rows, lambda row: row.service)}
    return {
        service: f"nobody answers at {found[0].url or service_path(service)}: {why}"
        for service, found in by_service.items()
        if service in there and (why := _why_nobody_answers([row for row in found if row.live]))
    }


def online(now: Snapshot) -> frozenset[str]:
    """Return the services with a Deployment or a route."""
    objects = (*now.deployments, *now.ingresses, *now.http_routes)
    return frozenset(each["metadata"]["labels"][f"{LABEL}/service"] for each in objects)


def _why_nobody_answers(live: Sequence[ClusterStatus]) -> str | None:
    if any(row.ready for row in live):
        return None
    pods = [f"live cluster {row.cluster} {_pods_of(row)}" for row in live]
    return ", ".join(pods) or "its route leads to no cluster"


def _pods_of(row: ClusterStatus) -> str:
    return "does not run" if row.state == ABSENT else f"has 0 of {row.replicas} pods ready"


def _objects(kind: str, objects: Iterable[Object]) -> list[KubernetesObject]:
    return [KubernetesObject(type=_TYPES[kind], inputs=each) for each in objects]


def _rows_of_drift(
    service: str,
    cluster: str | None,
    rows: Iterable[tuple[str, str]],
    declared: Mapping[str, ServiceState],
    running: Mapping[str, ServiceState],
) -> list[tuple[str, str]]:
    """Return the rows that show a drift: its cluster's, or the live cluster's by YAML or the route."""
    if cluster is not None:
        return [(service, cluster)]
    named = [states[service].live for states in (declared, running) if service in states]
    of_service = [key for key in rows if key[0] == service]
    return [key for key in of_service if key[1] in named[:1]] or of_service


def _running(before: Snapshot, now: Snapshot, states: Mapping[str, ServiceState]) -> Iterable[ClusterStatus]:
    for deployment in now.deployments:
        labels = deployment["metadata"]["labels"]
        service, cluster = labels[f"{LABEL}/service"], labels[f"{LABEL}/cluster"]
        yield _row(before, now, deployment, live=cluster in states[service].answering)


def _row(before: Snapshot, now: Snapshot, deployment: Object, *, live: bool) -> ClusterStatus:
    name, labels = deployment["metadata"]["name"], deployment["metadata"]["labels"]
    service, cluster = labels[f"{LABEL}/service"], labels[f"{LABEL}/cluster"]
    names = now.pods_of(name)
    pods = [_with_report(now.pod_statuses[each], now) for each in names]
    counts, earlier = now.counts_of(names), before.counts_of(names)
    pairs = [(earlier[pod], counts[pod]) for pod in counts if pod in earlier]
    by_shard = now.counts_by_shard(names)
    rates = traffic(pairs, now.at - before.at) if pairs and now.at > before.at else None
    return ClusterStatus(
        service=service,
        cluster=cluster,
        version=labels[f"{LABEL}/version"],
        live=live,
        ready=deployment["status"].get("readyReplicas", 0),
        replicas=deployment["spec"]["replicas"],
        state=in_words(pods),
        why=next((pod.why for pod in pods if pod.why), None)
        or _why_no_pods(deployment)
        or (_why_of_last_update(now, service, cluster) if pods else preflight_fault(now, service, cluster)),
        models_loaded=_sum(min(each.loaded for each in shard) for shard in by_shard),
        models_expected=_sum(max(each.expected or 0 for each in shard) for shard in by_shard) or None,
        requests_per_second=None if rates is None else round(rates.requests, 2),
        errors_per_second=None if rates is None else round(rates.errors, 2),
        refused_per_second=None if rates is None else round(rates.refused, 2),
        p99_ms=None if rates is None or rates.p99 is None else round(rates.p99 * 1000, 2),
        age_seconds=age_seconds(deployment, now.now),
        pods=tuple(pods),
        shards=shards_of_labels(labels),
    )


def _sum(counts: Iterable[int]) -> int | None:
    """Return the sum; None without a count."""
    counts = [*counts]
    return sum(counts) if counts else None


def _with_report(pod: PodStatus, now: Snapshot) -> PodStatus:
    """Add the pod's own reason for not being ready, if Kubernetes names none."""
    report = now.reports.get(pod.name)
    return replace(pod, why=report.unready) if report and not pod.ready and pod.why is None else pod


def _why_no_pods(deployment: Object) -> str | None:
    """Return why Kubernetes creates no pods, such as a quota, or which shards have none."""
    conditions = {each["type"]: each.get("message") for each in deployment["status"].get("conditions", ())}
    return conditions.get("ReplicaFailure") or conditions.get(LOST_SHARD)


def _why_of_last_update(now: Snapshot, service: str, cluster: str) -> str | None:
    """Return why running pods are of an earlier update: the preflight refused the last update."""
    for pod in now.pods_of_cluster(service, cluster):
        if _is_preflight(pod, service, cluster) and pod["status"].get("phase") == "Failed":
            found = now.pod_statuses[pod["metadata"]["name"]]
            return f"the last update was refused by its preflight: {found.why or found.state}"
    return None


def _is_preflight(pod: Object, service: str, cluster: str) -> bool:
    labels = pod["metadata"]["labels"]
    if cluster_of_labels(labels) != (service, cluster):
        return False
    parts = part_ids(cluster, shards_of_labels(labels))
    return labels.get("app") in [preflight_name(service, each) for each in parts]


def preflight_fault(now: Snapshot, service: str, cluster: str) -> str | None:
    """Return why the preflight of a cluster without pods did not pass."""
    for pod in now.pods_of_cluster(service, cluster):
        found = now.pod_statuses[pod["metadata"]["name"]]
        if found.state not in ("Succeeded", "Running"):
            return f"preflight: {found.why or found.state}"
    return None
