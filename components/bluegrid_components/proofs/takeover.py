"""Scales up a cluster before it takes over requests, to as many pods as answer them now.

Each shard of a cluster has an autoscaler of its own, all with the same `min`: as many pods as the busiest
shard of the cluster before it has, or in proportion if the numbers of shards differ.

An autoscaled cluster without requests runs its `min`. At a switch it would get the requests of a cluster that
an autoscaler has scaled up. So the update that switches declares a larger `min` for the autoscaler, and the
live route waits for these pods. The next update that does not switch declares the registry's `min` again.

A number in the Deployment would last only until the autoscaler's next evaluation. Below its `min` an
autoscaler starts pods at once, whatever its metrics are.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

import pulumi

from bluegrid_components.kubernetes_api.api_server import ApiServerSilent
from bluegrid_components.kubernetes_api.observed_namespace import PodCount
from bluegrid_registry import contract
from bluegrid_registry.errors import BluegridError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bluegrid_components.kubernetes_api.observed_namespace import ObservedNamespace
    from bluegrid_registry.registry_files.cluster_schema import Cluster

_HOOK = "bluegrid-takeover"
_POLL_SECONDS = 1.0
_HOPELESS_SECONDS = 30.0
"""How long the wait continues while no pod is ready, or Kubernetes refuses to create pods, in seconds."""


class TooFewPods(BluegridError):  # noqa: N818 - named after the fault
    """A cluster did not get enough pods to take over the requests of the cluster before it."""


@dataclass(frozen=True)
class _Size:
    """The pods that a cluster needs before it takes over.

    Attributes:
        service, cluster: name of the service, ID of the cluster.
        pods: number of pods that have to be ready, in each shard if there are any.
        old: the clusters whose requests it takes over and their numbers of pods, for messages.
    """

    service: str
    cluster: str
    pods: int
    old: str


@dataclass(frozen=True)
class _Load:
    """The pods that answer the requests of a cluster now.

    Attributes:
        busiest: number of pods; with shards, of the shard with the most.
        shards: number of shards; 1: none.
    """

    busiest: int
    shards: int

    @classmethod
    def of(cls, deployments: Sequence[PodCount]) -> _Load:
        """Return the load of a cluster's Deployments."""
        # Pods above the desired number are about to be deleted, by an update or an autoscaler.
        return cls(max(min(each.desired, each.ready) for each in deployments), len(deployments))

    def __str__(self) -> str:
        return str(self.busiest) if self.shards == 1 else f"{self.shards} x {self.busiest}"


class Takeovers:
    """The clusters of a program that take over requests; one instance in a program.

    Args:
        observed: the stack's namespace; None: Kubernetes cannot be reached, and no cluster is scaled up.
        seconds: time limit for the pods to be ready.
    """

    def __init__(self, observed: ObservedNamespace | None = None, seconds: float = 0) -> None:
        self._observed, self._seconds = observed, seconds
        self._awaited: dict[str, list[_Size]] = {}
        self._hook: pulumi.ResourceHook | None = None

    def prepare(self, service: str, clusters: Sequence[Cluster], weights: Mapping[str, int]) -> list[Cluster]:
        """Return clusters of a service, scaled up to the pods that their share of the requests needs.

        Args:
            service: name of the service.
            clusters: declared clusters that get requests.
            weights: weight of each cluster, by ID.
        """
        as_declared = [*clusters]
        if self._observed is None or not any(each.autoscaling for each in clusters):
            return as_declared
        try:
            before = self._observed.weights(service)
            if not any(each.autoscaling and _grows(each.id, before, weights) for each in clusters):
                return as_declared
            names = {each: contract.cluster_name(service, each) for each in before}
            loads = {each: _Load.of(self._observed.pods(name)) for each, name in names.items()}
        except ApiServerSilent as error:
            pulumi.log.warn(f"service {service}: how many pods answer its requests is not known: {error}")
            return as_declared
        return [self._scaled_up(service, each, before, weights, loads) for each in clusters]

    def hook(self, service: str) -> pulumi.ResourceHook | None:
        """Return the hook that waits for the pods of a service; None if no pods are awaited."""
        if service not in self._awaited or os.environ.get(contract.AT_ONCE):
            return None
        if self._hook is None:
            # Registered only if needed: an unused hook also costs a request to the engine.
            self._hook = pulumi.ResourceHook(_HOOK, self._wait)
        return self._hook

    def _scaled_up(
        self,
        service: str,
        cluster: Cluster,
        before: Mapping[str, int],
        weights: Mapping[str, int],
        loads: Mapping[str, _Load],
    ) -> Cluster:
        """Return the cluster with the `min` that it needs; unchanged if its `min` is enough."""
        autoscaling, needed = cluster.autoscaling, _needed(cluster, before, weights, loads)
        if autoscaling is None or not needed or not _grows(cluster.id, before, weights):
            return cluster
        old = " and ".join(f"{load} of {each}" for each, load in loads.items() if each != cluster.id)
        if needed > autoscaling.max:
            pulumi.log.warn(
                f"service {service}: {cluster.id} takes over from {old} and needs {needed} pods for that"
                f"{_in_each(cluster)}; its autoscaling.max is {autoscaling.max}: raise it before the switch"
            )
        count = min(needed, autoscaling.max)
        self._awaited.setdefault(service, []).append(_Size(service, cluster.id, count, old))
        if count <= autoscaling.min:
            return cluster
        pulumi.log.info(
            f"service {service}: {cluster.id} takes over from {old}: its autoscaler keeps {count} pods or "
            f"more{_in_each(cluster)} from now on; the next `pulumi up` gives it back its min of "
            f"{autoscaling.min}: leave it some minutes, until the autoscaler sees the requests"
        )
        return cluster.model_copy(update={"autoscaling": autoscaling.model_copy(update={"min": count})})

    async def _wait(self, args: pulumi.ResourceHookArgs) -> None:
        # A live route has the name of its service.
        for size in self._awaited[args.name]:
            await self._wait_for(size)

    async def _wait_for(self, size: _Size) -> None:
        assert self._observed is not None  # noqa: S101 - without `observed` no pods are awaited
        name = contract.cluster_name(size.service, size.cluster)
        patience = min(_HOPELESS_SECONDS, self._seconds)
        started = last_progress = time.monotonic()
        while True:
            try:
                found = await asyncio.to_thread(self._observed.pods, name)
                pods = min(found, key=attrgetter("ready", "desired"))
            except ApiServerSilent as error:
                pods = PodCount(0, 0, str(error))
            if pods.ready >= size.pods:
                return
            now = time.monotonic()
            if pods.ready and pods.refusal is None:
                last_progress = now
            if now - started > self._seconds or now - last_progress > patience:
                why = pods.refusal or await asyncio.to_thread(self._observed.why_not_ready, name)
                raise TooFewPods(_message(size, pods, now - started, why))
            await asyncio.sleep(_POLL_SECONDS)


def _grows(cluster: str, before: Mapping[str, int], after: Mapping[str, int]) -> bool:
    """Return whether a cluster's share of the requests grows; a cluster without requests has a share of 0."""
    return after[cluster] * sum(before.values()) > before.get(cluster, 0) * sum(after.values())


def _in_each(cluster: Cluster) -> str:
    return " in each shard" if cluster.shards > 1 else ""


def _needed(
    cluster: Cluster, before: Mapping[str, int], after: Mapping[str, int], loads: Mapping[str, _Load]
) -> int:
    """Return how many pods a cluster needs for its share, if all pods can take the same load.

    With shards, as many in each. Shards of the same index of two clusters have the same UIDs.

    The pods of a cluster are enough for its share now. With several clusters the smallest result counts,
    because a cluster may have more pods than it needs.
    """
    part, all_after = after[cluster.id] * sum(before.values()), sum(after.values())
    enough = [
        -(-load.busiest * load.shards * part // (before[each] * all_after * cluster.shards))
        for each, load in loads.items()
        if load.busiest
    ]
    return min(enough, default=0)


def _message(size: _Size, pods: PodCount, seconds: float, why: str | None) -> str:
    if why is None and pods.desired < size.pods:
        why = f"its autoscaler has asked for {pods.desired}; see `kubectl describe hpa`"
    return (
        f"service {size.service}: {size.cluster} takes over from {size.old}, and {pods.ready} of {size.pods} "
        f"pods are ready after {seconds:.0f} s{f' ({why})' if why else ''}; the live route is as it was: "
        f"make room for them, or switch with those that are ready: {contract.AT_ONCE}=1 pulumi up, or "
        f"bluegrid switch {size.service} {size.cluster} --up --at-once"
    )
