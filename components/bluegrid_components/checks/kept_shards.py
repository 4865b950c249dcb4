"""Refuses an update that changes the number of shards of a cluster that runs.

During the update, pods of the old number would forward requests to shards that have other models by now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from bluegrid_components.kubernetes_api.api_server import ApiServerSilent
from bluegrid_registry import contract
from bluegrid_registry.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bluegrid_components.kubernetes_api.observed_namespace import ObservedNamespace
    from bluegrid_registry import OfferedService


def keep_shards(observed: ObservedNamespace | None, offered: Iterable[OfferedService]) -> None:
    """Refuse other numbers of shards than those of running clusters.

    Args:
        observed: the stack's namespace; None: Kubernetes cannot be reached, and nothing can be updated.
        offered: the stack's services.

    Raises:
        RegistryError: a cluster runs with another number of shards than the registry says.
    """
    if observed is None:
        return
    clusters = [(each.name, cluster.now) for each in offered for cluster in each.clusters.values()]
    try:
        running = observed.shards()
        for service, cluster in clusters:
            name = contract.cluster_name(service, cluster.id)
            shards = running.get(name)
            if shards is None and cluster.shards > 1 and observed.runs_whole(name):
                shards = 1
            if shards not in (None, cluster.shards):
                raise RegistryError(
                    f"service {service}: cluster {cluster.id} has {shards} shards, and the registry says "
                    f"{cluster.shards}: pods of both would run at once, and each would ask the other's for "
                    f"models that it does not have; give {cluster.id} its `shards: {shards}` back, and push "
                    "the models as another version for a cluster of its own"
                )
    except ApiServerSilent as error:
        pulumi.log.warn(f"whether clusters keep their numbers of shards is not known: {error}")
