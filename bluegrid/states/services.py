"""The state of a service: its clusters and which is live; from Kubernetes objects or the registry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bluegrid_registry import Autoscaling, Shares
from bluegrid_registry.contract import DECLARED_MIN, LABEL, shards_of_labels
from bluegrid_registry.route_backends import clusters_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bluegrid.states.kubernetes_object import KubernetesObject
    from bluegrid_registry import OfferedService


@dataclass(frozen=True)
class ClusterState:
    """A cluster.

    Attributes:
        id: unique in its service.
        version: ID of the version that it serves.
        replicas: number of pods, or the bounds of its autoscaler; with shards, of each autoscaler.
        resources: the limits of one pod by resource, as Kubernetes quantities.
        manifest: digest of the version's manifest, which pins the models of its pods; empty: not known.
        held: how many pods its autoscaler keeps since a switch; None: its own `min`.
        shards: number of its shards; 1: it has none.
    """

    id: str
    version: str
    replicas: int | Autoscaling
    resources: Mapping[str, str] = field(default_factory=dict)
    manifest: str = ""
    held: int | None = None
    shards: int = 1


@dataclass(frozen=True)
class ServiceState:
    """A service in one region.

    Attributes:
        name: of the service.
        set: ID of its model set.
        live: ID of the cluster that its URL leads to; None: there is no live route.
        clusters: by ID.
        shares: fractions of the requests by cluster ID; empty if only `live` gets requests.
    """

    name: str
    set: str
    live: str | None
    clusters: Mapping[str, ClusterState]
    shares: Mapping[str, float] = field(default_factory=dict)

    @property
    def answering(self) -> list[str]:
        """IDs of the clusters that get requests, the live one first."""
        return [*self.shares] or [each for each in (self.live,) if each is not None]


def states_of_objects(objects: Iterable[KubernetesObject]) -> dict[str, ServiceState]:
    """Return the services that consist of these objects, by name."""
    objects = list(objects)
    shares, sets = dict[str, Shares](), {}
    deployments: dict[str, dict[str, list[KubernetesObject]]] = {}
    autoscalers = {
        (each.service, each.cluster): each for each in objects if each.kind == "HorizontalPodAutoscaler"
    }
    for each in objects:
        service, cluster = each.service, each.cluster
        if not service:
            continue
        sets[service] = each.labels.get(f"{LABEL}/set", "")
        if each.kind == "Deployment" and cluster:
            deployments.setdefault(service, {}).setdefault(cluster, []).append(each)
        elif each.is_live_route and (weights := clusters_of(each.spec, service)):
            shares[service] = Shares(weights)
    # Sorted, because the order differs from preview to preview.
    clusters = {
        service: {
            cluster: _cluster(cluster, found, autoscalers.get((service, cluster)))
            for cluster, found in sorted(of_service.items())
        }
        for service, of_service in deployments.items()
    }
    return {
        name: _service(name, sets[name], shares.get(name), clusters.get(name, {}))
        for name in sorted({*shares, *clusters})
    }


def states_of_offered(offered: Mapping[str, OfferedService]) -> dict[str, ServiceState]:
    """Return the state of services that a region offers, by name."""
    return {name: _offered(service) for name, service in offered.items()}


def _offered(service: OfferedService) -> ServiceState:
    clusters = {
        each.id: ClusterState(
            each.id,
            each.version.id,
            each.now.autoscaling or each.now.replicas * each.now.shards,
            {"cpu": each.now.cpu, "memory": each.now.memory} | _gpu(each.now.gpu),
            each.version.manifest,
            shards=each.now.shards,
        )
        for each in service.clusters.values()
    }
    return _service(service.name, service.set.id, service.shares, clusters)


def _service(
    name: str, set_id: str, shares: Shares | None, clusters: Mapping[str, ClusterState]
) -> ServiceState:
    if shares is None:
        return ServiceState(name, set_id, None, clusters)
    return ServiceState(name, set_id, shares.live, clusters, {} if shares.only else shares.fractions)


def _cluster(
    cluster: str, deployments: Sequence[KubernetesObject], autoscaler: KubernetesObject | None
) -> ClusterState:
    """Return the state of a cluster, from its Deployment or those of its shards."""
    deployment = deployments[0]
    # With an autoscaler, `replicas` of the Deployment is only the number of pods at the start.
    pods = sum(int(each.spec.get("replicas", 1)) for each in deployments)
    replicas = _autoscaled(autoscaler) if autoscaler else pods
    return ClusterState(
        cluster,
        deployment.labels.get(f"{LABEL}/version", ""),
        replicas,
        next((each.get("resources", {}).get("limits", {}) for each in deployment.containers), {}),
        deployment.environment.get("BLUEGRID_MANIFEST", ""),
        _held(autoscaler) if autoscaler else None,
        shards_of_labels(deployment.labels),
    )


def _autoscaled(autoscaler: KubernetesObject) -> Autoscaling:
    spec = autoscaler.spec
    (metric,) = spec["metrics"]
    cpu = metric["resource"]["target"]["averageUtilization"]
    least = autoscaler.annotations.get(DECLARED_MIN, spec["minReplicas"])
    return Autoscaling(min=int(least), max=int(spec["maxReplicas"]), cpu=int(cpu))


def _held(autoscaler: KubernetesObject) -> int | None:
    return int(autoscaler.spec["minReplicas"]) if DECLARED_MIN in autoscaler.annotations else None


def _gpu(count: int) -> dict[str, str]:
    return {"nvidia.com/gpu": str(count)} if count else {}
