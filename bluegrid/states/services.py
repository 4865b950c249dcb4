"""What a service is at one moment: its clusters and which is live; from a stack or from the registry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bluegrid.states.kubernetes_object import LABEL
from bluegrid_registry import Autoscaling
from bluegrid_registry.contract import DECLARED_MIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bluegrid.states.kubernetes_object import KubernetesObject
    from bluegrid_registry import Registry, RegistryFile


@dataclass(frozen=True)
class ClusterState:
    """A cluster.

    Attributes:
        id: unique in its service.
        version: what it serves.
        replicas: how many pods, or between which numbers an autoscaler decides.
        resources: the limits of one pod by resource, as Kubernetes quantities.
        manifest: digest of the version's manifest, by which pods take the version's models; empty: not known.
        held: how many pods its autoscaler keeps since a switch; None: its own `min`.
    """

    id: str
    version: str
    replicas: int | Autoscaling
    resources: Mapping[str, str] = field(default_factory=dict)
    manifest: str = ""
    held: int | None = None


@dataclass(frozen=True)
class ServiceState:
    """A service in one region.

    Attributes:
        name: of the service.
        set: ID of its model set.
        live: ID of the cluster that its URL reaches; None: it has no route.
        clusters: by ID.
        shares: parts of the requests by ID of the clusters that get them, where `live` is not the only one.
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
    """Return the services that these objects make up, by name."""
    objects = list(objects)
    weights, sets, clusters = dict[str, dict[str, int]](), {}, dict[str, dict[str, ClusterState]]()
    autoscalers = {each.name: each for each in objects if each.kind == "HorizontalPodAutoscaler"}
    for each in objects:
        service, cluster = each.service, each.cluster
        if not service:
            continue
        sets[service] = each.labels.get(f"{LABEL}/set", "")
        if each.kind == "Deployment" and cluster:
            clusters.setdefault(service, {})[cluster] = _cluster(cluster, each, autoscalers)
        elif each.is_live_route and each.backends:
            backends = each.backends.items()
            weights[service] = {name.removeprefix(f"{service}-"): weight for name, weight in backends}
    return {
        # A preview has them in another order each time.
        name: _service(name, sets[name], weights.get(name, {}), dict(sorted(clusters.get(name, {}).items())))
        for name in sorted({*weights, *clusters})
    }


def states_of_registry(registry: Registry, region: str) -> dict[str, ServiceState]:
    """Return the services that the registry declares in a region, by name, as large as it says."""
    return states_of_files(registry.in_region(region), region)


def states_of_files(files: Iterable[RegistryFile], region: str) -> dict[str, ServiceState]:
    """Return the services of registry files, which a stack may have given other sizes."""
    states = {}
    for file in files:
        assert file.service is not None  # noqa: S101 - whoever asks has left out the others
        clusters = {
            cluster.id: ClusterState(
                cluster.id,
                cluster.version,
                cluster.autoscaling or cluster.replicas,
                {"cpu": cluster.cpu, "memory": cluster.memory} | _gpu(cluster.gpu),
                file.version(cluster.version).manifest,
            )
            for cluster in file.service.as_run_in(region)
        }
        name = file.service.name
        states[name] = _service(name, file.set.id, file.service.weights_in(region), clusters)
    return states


def _service(
    name: str, set_id: str, weights: Mapping[str, int], clusters: Mapping[str, ClusterState]
) -> ServiceState:
    """Return a service; of the clusters that have a weight the live one is the first."""
    shares = {cluster: weight / sum(weights.values()) for cluster, weight in weights.items()}
    return ServiceState(name, set_id, next(iter(weights), None), clusters, shares if len(shares) > 1 else {})


def _cluster(
    cluster: str, deployment: KubernetesObject, autoscalers: Mapping[str, KubernetesObject]
) -> ClusterState:
    # What a Deployment says that has an autoscaler is how many pods it began with.
    autoscaler = autoscalers.get(deployment.name)
    replicas = _autoscaled(autoscaler) if autoscaler else int(deployment.spec.get("replicas", 1))
    return ClusterState(
        cluster,
        deployment.labels.get(f"{LABEL}/version", ""),
        replicas,
        next((each.get("resources", {}).get("limits", {}) for each in deployment.containers), {}),
        deployment.environment.get("BLUEGRID_MANIFEST", ""),
        _held(autoscaler) if autoscaler else None,
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
