"""Schema of `service:` in a registry file: the online service of a set, with its clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, cast

from pydantic import ConfigDict, Discriminator, Field, StrictInt, Tag
from pydantic.alias_generators import to_camel

from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import ClusterId, Label, ServiceName
from bluegrid_registry.registry_files.cluster_schema import Cluster  # noqa: TC001 - pydantic reads it at run time
from bluegrid_registry.registry_files.lookup import pick

DEFAULT_REGION = "default"
"""The key of `live` and `traffic` for all regions without a key of their own."""

SMALLEST_SHARE = 0.01
"""The smallest share of requests of a cluster; fewer could stay undetected when the cluster is removed."""


def _kind_of_live(value: object) -> Literal["everywhere", "by region"]:
    return "by region" if isinstance(value, Mapping) else "everywhere"


Live = Annotated[
    Annotated[ClusterId, Tag("everywhere")] | Annotated[Mapping[Label, ClusterId], Tag("by region")],
    Discriminator(_kind_of_live),
]


Weights = Mapping[ClusterId, Annotated[StrictInt, Field(ge=0, le=1_000_000)]]


def _kind_of_traffic(value: object) -> Literal["everywhere", "by region"]:
    is_by_region = isinstance(value, Mapping) and any(isinstance(item, Mapping) for item in value.values())
    return "by region" if is_by_region else "everywhere"


Traffic = Annotated[
    Annotated[Weights, Tag("everywhere")] | Annotated[Mapping[Label, Weights], Tag("by region")],
    Discriminator(_kind_of_traffic),
]


class Service(Frozen):
    """The online service of the set: one URL, /modelService/<name>, answered by the live cluster."""

    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True)

    name: ServiceName
    """Unique in the registry."""
    live: Live
    """The live cluster, or one for each region: {default: d1, north: d2}."""
    traffic: Traffic | None = None
    """Shares of the requests, {d1: 90, d2: 10}, or such shares by region; the live cluster has a share.
    Absent: it gets all requests. Requires a stack with a Gateway."""
    clusters: tuple[Cluster, ...]
    """The live cluster and the standbys."""
    standby_replicas: Annotated[StrictInt, Field(ge=0)] | None = None
    """Pods of a standby, at most its `replicas`; 0: none until a switch. Ignored with autoscaling."""
    regions: Annotated[tuple[Label, ...], Field(min_length=1)] | None = None
    """The regions that have the service; absent: all, except those of stacks with the platform of another."""

    def live_in(self, region: str) -> str:
        """Return the ID of the cluster that is live in `region`."""
        if isinstance(self.live, str):
            return self.live
        return self.live.get(region, self.live[DEFAULT_REGION])

    def weights_in(self, region: str) -> dict[str, int]:
        """Return the weight of each cluster that gets requests in `region`, by ID; the live one first."""
        live, shares = self.live_in(region), self.traffic_by_region
        weights = shares.get(region, shares.get(DEFAULT_REGION, {live: 1}))
        return {live: weights[live], **{cluster: weight for cluster, weight in weights.items() if weight}}

    @property
    def traffic_by_region(self) -> Mapping[str, Weights]:
        """The shares of `traffic` by region; `default` is for all regions without a key of their own."""
        if _kind_of_traffic(self.traffic) == "by region":
            return cast("Mapping[str, Weights]", self.traffic)
        return {} if self.traffic is None else {DEFAULT_REGION: cast("Weights", self.traffic)}

    def is_in(self, region: str, *, if_named: bool = False) -> bool:
        """Whether `region` has the service.

        Args:
            region: name of the region.
            if_named: whether the region has only services that name it, as that of a stack which uses the
                platform of another stack.
        """
        return not if_named if self.regions is None else region in self.regions

    def cluster(self, cluster_id: str) -> Cluster:
        """Return the cluster with this ID; RegistryError, with the declared IDs, if there is none."""
        declared = {cluster.id: cluster for cluster in self.clusters}
        return pick(declared, cluster_id, f"{cluster_id} is not a cluster of {self.name}")
