"""The parts of a cluster that have pods: all of it, or its shards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bluegrid_registry import contract
from bluegrid_registry.shards import Shard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bluegrid_components.cluster_args import ModelClusterArgs


@dataclass(frozen=True)
class Part:
    """A part of a cluster with pods of its own.

    Attributes:
        name: of its objects: the cluster's, or with the index of the shard.
        preflight: name of its preflight Job.
        shard: which shard it is; None: the cluster has no shards.
        labels: labels that only the pods of this shard have.
    """

    name: str
    preflight: str
    shard: Shard | None = None
    labels: dict[str, str] = field(default_factory=dict)


def parts_of(args: ModelClusterArgs) -> Sequence[Part]:
    """Return the parts of a cluster, in the order of their shards."""
    service, cluster, count = args.service, args.cluster.id, args.cluster.shards
    if count == 1:
        return [Part(contract.cluster_name(service, cluster), contract.preflight_name(service, cluster))]
    ids = contract.part_ids(cluster, count)
    return [
        Part(
            contract.cluster_name(service, each),
            contract.preflight_name(service, each),
            Shard(index, count),
            contract.shard_labels(index, count),
        )
        for index, each in enumerate(ids)
    ]
