"""Arguments of a cluster: its component and its pods are made from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pulumi

    from bluegrid_components.hosting import Hosting
    from bluegrid_registry.registry_files.cluster_schema import Cluster
    from bluegrid_registry.registry_files.model_set_schema import DeclaredSet
    from bluegrid_registry.registry_files.version_rows import Version


@dataclass(frozen=True)
class ModelClusterArgs:
    """Arguments of a cluster.

    Attributes:
        service: name of the service that the cluster belongs to.
        model_set: model set of the service.
        version: version that the cluster serves.
        cluster: ID and size of the cluster in this region.
        hosting: settings shared by all clusters of the stack.
        most_replicas: number of pods when the cluster is live; with an autoscaler, its `min` then.
        replicas: number of pods, if known only later in the update; None: as `cluster` says.
        before_scaling: hook that must pass before the Deployment changes.
        keeps_pods: whether an existing Deployment keeps its number of pods.
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
