"""The topic of each changed property, by which the report chooses a sentence and misses no property."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from bluegrid.previews.resource_changes import CREATE, DELETE, REPLACE
from bluegrid_registry.contract import DECLARED_MIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bluegrid.previews.resource_changes import Difference, ResourceChange


class Topic(Enum):
    """What a change is about."""

    # Found by `ServiceChange`, in the states before and after.
    BACKENDS = auto()
    SET = auto()
    VERSION = auto()
    MANIFEST = auto()
    REPLICAS = auto()
    RESOURCES = auto()
    # Found by `pods.py`, for clusters.
    IMAGE = auto()
    STORE = auto()
    SETTINGS = auto()
    POD = auto()
    TIMEOUT = auto()
    PREFLIGHT = auto()
    # Found by `routing.py`, for services.
    ROUTING = auto()
    # Found by `region.py`, for the region.
    NAMESPACE = auto()
    PLATFORM = auto()
    CREDENTIALS = auto()
    IDENTITY = auto()
    QUOTA = auto()
    NETWORK = auto()
    STANDING_HOSTS = auto()
    PROVIDER = auto()
    REPLACEMENT = auto()


@dataclass(frozen=True)
class Aspect:
    """One effect of a plan on a resource.

    Attributes:
        change: of the resource.
        topic: of the effect; None: no sentence describes it.
        difference: the property; None: the resource is created, deleted or replaced.
    """

    change: ResourceChange
    topic: Topic | None
    difference: Difference | None = None

    @property
    def cluster(self) -> tuple[str, str]:
        """The service and the cluster of the resource; empty texts: none."""
        return self.change.object.service, self.change.object.cluster


_LABELS = [
    ("metadata.namespace", Topic.NAMESPACE),
    ("*labels.bluegrid.io/set", Topic.SET),
    ("*labels.bluegrid.io/version", Topic.VERSION),
]
_WORKLOAD = [
    *_LABELS,
    ("spec.replicas", Topic.REPLICAS),
    # Which of the two owns `replicas`, the registry or an autoscaler; see components, pods/autoscaler.py.
    ("metadata.annotations.pulumi.com/patchForce", Topic.REPLICAS),
    ("spec.activeDeadlineSeconds", Topic.TIMEOUT),
    ("spec.progressDeadlineSeconds", Topic.TIMEOUT),
    ("*.containers.*.image", Topic.IMAGE),
    ("*.containers.*.resources*", Topic.RESOURCES),
    ("*.env.BLUEGRID_SET", Topic.SET),
    ("*.env.BLUEGRID_VERSION", Topic.VERSION),
    ("*.env.BLUEGRID_MANIFEST", Topic.MANIFEST),
    ("*.env.BLUEGRID_STORE", Topic.STORE),
    # These follow from a pod's memory and GPUs, or are set in their place.
    ("*.env.BLUEGRID_MEMORY", Topic.RESOURCES),
    ("*.env.BLUEGRID_REQUEST_MEMORY", Topic.RESOURCES),
    ("*.env.BLUEGRID_GPU", Topic.RESOURCES),
    ("*.env.AWS_ACCESS_KEY_ID*", Topic.CREDENTIALS),
    ("*.env.AWS_SECRET_ACCESS_KEY*", Topic.CREDENTIALS),
    ("*.volumes.store-ca.secret.secretName", Topic.CREDENTIALS),
    ("*.env.*", Topic.SETTINGS),
    ("spec.template.*", Topic.POD),
]
_LIVE_ROUTE = [
    *_LABELS,
    ("spec.ingressClassName", Topic.ROUTING),
    ("spec.parentRefs*", Topic.ROUTING),
    ("metadata.annotations*", Topic.ROUTING),
    ("spec.hostnames*", Topic.ROUTING),
    ("spec.tls*", Topic.ROUTING),
    ("spec.rules.*.host", Topic.ROUTING),
    ("spec.rules.*.backend*", Topic.BACKENDS),
]
_STANDING_ROUTE = [
    *_LABELS,
    ("spec.ingressClassName", Topic.ROUTING),
    ("spec.parentRefs*", Topic.ROUTING),
    ("metadata.annotations*", Topic.ROUTING),
    # Pulumi hides the rest, because it contains a secret host.
    ("spec.hostnames*", Topic.STANDING_HOSTS),
    ("spec.rules*", Topic.STANDING_HOSTS),
]
_BY_KIND: Mapping[str, Sequence[tuple[str, Topic]]] = {
    "Deployment": _WORKLOAD,
    "Job": _WORKLOAD,
    "HorizontalPodAutoscaler": [
        *_LABELS,
        ("spec.*", Topic.REPLICAS),
        (f"metadata.annotations.{DECLARED_MIN}", Topic.REPLICAS),
    ],
    "Namespace": [("metadata.name", Topic.NAMESPACE)],
    "NetworkPolicy": [*_LABELS, ("spec.*", Topic.NETWORK)],
    "ResourceQuota": [*_LABELS, ("spec.*", Topic.QUOTA)],
    "ServiceAccount": [*_LABELS, ("metadata.annotations*", Topic.IDENTITY)],
    "Secret": [*_LABELS, ("data*", Topic.CREDENTIALS), ("stringData*", Topic.CREDENTIALS)],
}
_SCALING = ("HorizontalPodAutoscaler", "PodDisruptionBudget")
"""Whether a cluster has these kinds depends on its number of pods."""


def aspects_of(changes: Iterable[ResourceChange]) -> list[Aspect]:
    """Return the aspects of all changes, at least one of each change."""
    return [aspect for change in changes for aspect in _aspects(change)]


def _aspects(change: ResourceChange) -> Iterator[Aspect]:
    if change.op in (CREATE, DELETE):
        yield Aspect(change, _topic_of_resource(change))
        return
    found = [Aspect(change, _topic_of(change, each), each) for each in change.differences]
    if change.op != REPLACE or any(each.topic is Topic.NAMESPACE for each in found):
        yield from found or [Aspect(change, None)]
    elif change.kind == "Job":
        # Every change of a preflight replaces it, and so does a failure of the last run.
        yield from found or [Aspect(change, Topic.PREFLIGHT)]
    elif _is_provider(change):
        yield from found or [Aspect(change, Topic.PROVIDER)]
    else:
        yield Aspect(change, Topic.REPLACEMENT)


def _topic_of(change: ResourceChange, difference: Difference) -> Topic | None:
    if _is_provider(change):
        return Topic.PROVIDER
    path = difference.path.removesuffix(".value")
    return next((topic for pattern, topic in _patterns(change) if fnmatchcase(path, pattern)), None)


def _topic_of_resource(change: ResourceChange) -> Topic | None:
    if _is_provider(change):
        return Topic.PROVIDER
    if not change.object.service:
        return {"Namespace": Topic.NAMESPACE, "ResourceQuota": Topic.QUOTA}.get(change.kind, Topic.PLATFORM)
    if change.object.is_route:
        return Topic.ROUTING
    return Topic.REPLICAS if change.kind in _SCALING else None


def _patterns(change: ResourceChange) -> Sequence[tuple[str, Topic]]:
    if change.object.is_route:
        return _LIVE_ROUTE if change.object.is_live_route else _STANDING_ROUTE
    return _BY_KIND.get(change.kind, _LABELS)


def _is_provider(change: ResourceChange) -> bool:
    return change.type.startswith("pulumi:providers:")
