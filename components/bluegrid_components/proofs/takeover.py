"""A cluster that takes over requests is first brought to as many pods as have answered them.

An autoscaled cluster without requests runs its `min`. At a switch it would get the requests of a cluster that
its autoscaler has scaled up. So the update that switches declares a larger `min` for its autoscaler, and the
live route waits for these pods. The next update that does not switch declares the registry's `min` again.

A number in the Deployment would only last until the autoscaler's next evaluation. Below its `min` an
autoscaler starts pods at once, whatever its metrics are.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
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
"""How long no pod is ready, or Kubernetes refuses to make one, before the wait is given up, in seconds."""


class TooFewPods(BluegridError):  # noqa: N818 - that there are, is the fault
    """A cluster that is to take over did not get as many pods as the cluster before it has."""


@dataclass(frozen=True)
class _Size:
    """What a cluster is brought to.

    Attributes:
        service, cluster: which.
        pods: how many have to be ready.
        old: whose requests it gets, and how many pods answer them, in words.
    """

    service: str
    cluster: str
    pods: int
    old: str


class Takeovers:
    """The clusters of a program that take over requests; one in a program.

    Args:
        observed: the namespace as it is; None: Kubernetes cannot be reached, and nothing is known.
        seconds: time limit for the pods to be ready.
    """

    def __init__(self, observed: ObservedNamespace | None = None, seconds: float = 0) -> None:
        self._observed, self._seconds = observed, seconds
        self._awaited: dict[str, list[_Size]] = {}
        self._hook: pulumi.ResourceHook | None = None

    def prepare(self, service: str, clusters: Sequence[Cluster], weights: Mapping[str, int]) -> list[Cluster]:
        """Return clusters of a service with as many pods as the requests need that they will get.

        Args:
            service: name of the service.
            clusters: those that get requests, as they are declared.
            weights: of each, by ID.
        """
        as_declared = [*clusters]
        if self._observed is None or not any(each.autoscaling for each in clusters):
            return as_declared
        try:
            before = self._observed.weights(service)
            if not any(each.autoscaling and _grows(each.id, before, weights) for each in clusters):
                return as_declared
            pods = {each: self._observed.pods(contract.cluster_name(service, each)) for each in before}
        except ApiServerSilent as error:
            pulumi.log.warn(f"service {service}: how many pods answer its requests is not known: {error}")
            return as_declared
        # Pods above the wanted number are about to be deleted, by an update or an autoscaler.
        counts = {each: min(found.wanted, found.ready) for each, found in pods.items()}
        return [self._brought_up(service, each, before, weights, counts) for each in clusters]

    def hook(self, service: str) -> pulumi.ResourceHook | None:
        """Return the hook that waits for the pods of a service; None if there are none to wait for."""
        if service not in self._awaited or os.environ.get(contract.AT_ONCE):
            return None
        if self._hook is None:
            # Only if needed: an unused hook is a request to the engine, too.
            self._hook = pulumi.ResourceHook(_HOOK, self._wait)
        return self._hook

    def _brought_up(
        self,
        service: str,
        cluster: Cluster,
        before: Mapping[str, int],
        weights: Mapping[str, int],
        pods: Mapping[str, int],
    ) -> Cluster:
        """Return a cluster with the `min` that it needs; as it is where that is enough."""
        autoscaling, needed = cluster.autoscaling, _needed(cluster.id, before, weights, pods)
        if autoscaling is None or not needed or not _grows(cluster.id, before, weights):
            return cluster
        old = " and ".join(f"{count} of {each}" for each, count in pods.items() if each != cluster.id)
        if needed > autoscaling.max:
            pulumi.log.warn(
                f"service {service}: {cluster.id} takes over from {old} and needs {needed} pods for that; "
                f"its autoscaling.max is {autoscaling.max}: raise it before the switch"
            )
        count = min(needed, autoscaling.max)
        self._awaited.setdefault(service, []).append(_Size(service, cluster.id, count, old))
        if count <= autoscaling.min:
            return cluster
        pulumi.log.info(
            f"service {service}: {cluster.id} takes over from {old}: its autoscaler keeps {count} pods or "
            f"more from now on; the next `pulumi up` gives it back its min of {autoscaling.min}: leave it "
            "some minutes, until the autoscaler sees the requests"
        )
        return cluster.model_copy(update={"autoscaling": autoscaling.model_copy(update={"min": count})})

    async def _wait(self, args: pulumi.ResourceHookArgs) -> None:
        # A live route is named as its service.
        for size in self._awaited[args.name]:
            await self._wait_for(size)

    async def _wait_for(self, size: _Size) -> None:
        assert self._observed is not None  # noqa: S101 - without, nothing is awaited
        name = contract.cluster_name(size.service, size.cluster)
        patience = min(_HOPELESS_SECONDS, self._seconds)
        started = well = time.monotonic()
        while True:
            try:
                pods = await asyncio.to_thread(self._observed.pods, name)
            except ApiServerSilent as error:
                pods = PodCount(0, 0, str(error))
            if pods.ready >= size.pods:
                return
            now = time.monotonic()
            if pods.ready and pods.refusal is None:
                well = now
            if now - started > self._seconds or now - well > patience:
                why = pods.refusal or await asyncio.to_thread(self._observed.why_not_ready, name)
                raise TooFewPods(_message(size, pods, now - started, why))
            await asyncio.sleep(_POLL_SECONDS)


def _grows(cluster: str, before: Mapping[str, int], after: Mapping[str, int]) -> bool:
    """Whether a cluster gets a larger share of the requests than before; no share is smaller than any."""
    return after[cluster] * sum(before.values()) > before.get(cluster, 0) * sum(after.values())


def _needed(
    cluster: str, before: Mapping[str, int], after: Mapping[str, int], pods: Mapping[str, int]
) -> int:
    """Return how many pods a cluster needs for its share, where one pod is as good as another.

    The pods that answer a share now are enough for it. If there are several clusters, the smallest result
    counts: a cluster may have more pods than it needs.
    """
    part, all_after = after[cluster] * sum(before.values()), sum(after.values())
    enough = [-(-pods[each] * part // (weight * all_after)) for each, weight in before.items() if pods[each]]
    return min(enough, default=0)


def _message(size: _Size, pods: PodCount, seconds: float, why: str | None) -> str:
    if why is None and pods.wanted < size.pods:
        why = f"its autoscaler has asked for {pods.wanted}; see `kubectl describe hpa`"
    return (
        f"service {size.service}: {size.cluster} takes over from {size.old}, and {pods.ready} of {size.pods} "
        f"pods are ready after {seconds:.0f} s{f' ({why})' if why else ''}; the live route is as it was: "
        f"make room for them, or switch with those that are ready: {contract.AT_ONCE}=1 pulumi up, or "
        f"bluegrid switch {size.service} {size.cluster} --up --at-once"
    )
