"""Clusters with shards, as if each had one Deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bluegrid_registry.contract import SHARD, cluster_name, cluster_of_labels, shard_id, shards_of_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bluegrid.operations.api import Object

LOST_SHARD = "LostShard"
"""Type of a condition of our own: a shard has no ready pod, and its models do not answer."""

_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "observedGeneration")


def whole_clusters(deployments: Iterable[Object]) -> list[Object]:
    """Return Deployments, those of a cluster's shards as one with the sums of their numbers of pods."""
    by_cluster: dict[tuple[str, str], list[Object]] = {}
    for each in deployments:
        by_cluster.setdefault(cluster_of_labels(each["metadata"]["labels"]), []).append(each)
    return [_whole(service, cluster, found) for (service, cluster), found in by_cluster.items()]


def _whole(service: str, cluster: str, shards: Sequence[Object]) -> Object:
    first = min(shards, key=lambda each: str(each["metadata"]["creationTimestamp"]))
    count = shards_of_labels(first["metadata"]["labels"])
    if count == 1:
        return first
    ready = {each["metadata"]["labels"][SHARD]: _ready(each) for each in shards}
    lost = [index for index in range(count) if not ready.get(f"{index}-of-{count}")]
    conditions = [each for shard in shards for each in shard["status"].get("conditions", ())]
    if lost:
        names = ", ".join(cluster_name(service, shard_id(cluster, index)) for index in lost)
        message = f"models of {len(lost)} of {count} shards do not answer: {names} without a ready pod"
        conditions.append({"type": LOST_SHARD, "message": message})
    generations = [each["metadata"]["generation"] for each in shards if "generation" in each["metadata"]]
    sums: dict[str, Any] = {key: sum(each["status"].get(key, 0) for each in shards) for key in _COUNTS}
    return {
        **first,
        "metadata": {
            **first["metadata"],
            "name": cluster_name(service, cluster),
            "generation": sum(generations),
        },
        "spec": {**first["spec"], "replicas": sum(each["spec"]["replicas"] for each in shards)},
        "status": {**sums, "conditions": conditions},
    }


def _ready(deployment: Object) -> int:
    return int(deployment["status"].get("readyReplicas", 0))
