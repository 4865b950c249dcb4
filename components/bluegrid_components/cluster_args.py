"""What a cluster serves, and where: the component and its pods are made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pulumi

    from bluegrid_components.hosting import Hosting
    from bluegrid_registry.registry_files.cluster_schema import Cluster
    from bluegrid_registry.registry_files.model_set_schema import DeclaredSet, Version


@dataclass(frozen=True)
class ModelClusterArgs:
    """What a cluster serves, and where.

    Attributes:
        service: name of the service that it belongs to.
        model_set: the set of that service.
        version: what it serves.
        cluster: its ID and size, as it runs in this region.
        hosting: what it shares with the stack's other clusters.
        most_replicas: number of its pods when it is live; the fewest, of an autoscaler's.
        replicas: number of its pods, where that is known only later: they are scaled then. None: at once.
        before_scaling: has to pass before its pods change.
        keeps_pods: whether its Deployment, where there is one, keeps its number of pods.
    """

    service: str
    model_set: DeclaredSet
    version: Version
    cluster: Cluster
    hosting: Hosting
    most_replicas: int
    replicas: pulumi.Input[int] | None = None
    before_scaling: pulumi.ResourceHook | None = None
    keeps_pods: bool = False
