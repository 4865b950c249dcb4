"""What a cluster's pods request before, during and after an update."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any

from bluegrid_registry.registry_files.quantities import value_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from bluegrid.states import KubernetesObject

_NONE = Decimal(0)
_SURGE = "25%"
"""Default of `maxSurge`: how many pods a Deployment may have beyond its replicas.
https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-surge"""


_ALIASES = {"cpu": "requests.cpu", "memory": "requests.memory"}
"""https://kubernetes.io/docs/concepts/policy/resource-quotas/#quota-for-infrastructure-resources"""


@dataclass(frozen=True)
class Pods:
    """Equal pods.

    Attributes:
        count: how many.
        needs: what each requests, by resource as quotas name it, such as `requests.cpu`; in cores or bytes.
    """

    count: int = 0
    needs: Mapping[str, Decimal] = field(default_factory=dict)

    def need(self, resource: str, count: int | None = None) -> Decimal:
        """Return what these pods, or `count` of them, request together."""
        each = self.needs.get(_ALIASES.get(resource, resource), _NONE)
        return (self.count if count is None else count) * each


@dataclass(frozen=True)
class Rollout:
    """The pods of one cluster in an update.

    Attributes:
        name: of its Deployment.
        service: its service; empty: none.
        old: pods before; none of a new Deployment.
        new: pods after; none of a deleted Deployment.
        preflight: the pod of the Job that runs first; none if no Job runs.
        most: number of its pods at the autoscaler's maximum.
        surge: pods beyond the new ones while old pods are replaced; 0: none are replaced.
        goes: whether the Deployment is deleted, which an update does last.
        answers: whether it gets requests after the update.
    """

    name: str
    service: str
    old: Pods
    new: Pods
    preflight: Pods
    most: int
    surge: int = 0
    goes: bool = False
    answers: bool = False

    @property
    def starts_pods(self) -> bool:
        """Whether the update starts pods."""
        return bool(self.surge or self.preflight.count or self.new.count > self.old.count)

    def at_least(self, resource: str) -> Decimal:
        """Return its peak in the slowest update, with one surge pod at a time."""
        return max(self._rolling(resource, min(1, self.surge)), self._in_preflight(resource))

    def at_once(self, resource: str) -> Decimal:
        """Return its peak in the fastest update, with all surge pods at once."""
        return max(self._rolling(resource, self.surge), self._in_preflight(resource))

    def held(self, resource: str, other: Rollout) -> Decimal:
        """Return what it certainly holds while another rollout starts its pods."""
        # Standbys lose pods only once the new live cluster is proven.
        waits = self.service == other.service != "" and other.answers and not self.answers
        if self.goes or waits:
            return self.old.need(resource)
        return min(self.old.need(resource), self.new.need(resource))

    def _rolling(self, resource: str, surge: int) -> Decimal:
        old, new = self.old, self.new
        if not surge:
            return max(old.need(resource), new.need(resource))
        left = min(old.count, new.count)
        return max(
            old.need(resource),
            # The first new pods beside old ones, and the last old ones beside all new ones.
            old.need(resource, left) + new.need(resource, new.count + surge - left),
            old.need(resource, min(surge, old.count)) + new.need(resource),
        )

    def _in_preflight(self, resource: str) -> Decimal:
        return self.old.need(resource) + self.preflight.need(resource)


def rollouts_of(
    before: Iterable[KubernetesObject],
    after: Iterable[KubernetesObject],
    preflights: Iterable[KubernetesObject],
    answering: Collection[tuple[str, str]],
) -> list[Rollout]:
    """Return the rollout of each Deployment.

    Args:
        before: objects before the update, all in one namespace.
        after: objects after the update, in the same namespace.
        preflights: Jobs that the update runs.
        answering: service and ID of the clusters that get requests after the update.
    """
    old, new = _by_name(before, "Deployment"), _by_name(after, "Deployment")
    autoscalers = _by_name(after, "HorizontalPodAutoscaler")
    jobs = {(each.service, each.cluster): each for each in preflights}
    return [
        _rollout(old.get(name), new.get(name), autoscalers.get(name), jobs, answering)
        for name in {**old, **new}
    ]


def _by_name(objects: Iterable[KubernetesObject], kind: str) -> dict[str, KubernetesObject]:
    return {each.name: each for each in objects if each.kind == kind}


def _rollout(
    old: KubernetesObject | None,
    new: KubernetesObject | None,
    autoscaler: KubernetesObject | None,
    preflights: Mapping[tuple[str, str], KubernetesObject],
    answering: Collection[tuple[str, str]],
) -> Rollout:
    deployment = new or old
    assert deployment is not None  # noqa: S101 - one of the two exists
    place = deployment.service, deployment.cluster
    least = _count(autoscaler.spec.get("minReplicas")) if autoscaler else 0
    before, after = _pods(old), _pods(new, least)
    job = preflights.get(place) if new is not None and deployment.service else None
    rolls = old is not None and new is not None and old.spec.get("template") != new.spec.get("template")
    return Rollout(
        name=deployment.name,
        service=deployment.service,
        old=before,
        new=after,
        preflight=Pods(1, _needs(job)) if job else Pods(),
        most=_count(autoscaler.spec.get("maxReplicas")) if autoscaler and new else after.count,
        surge=_surge(new, after.count) if rolls and new and before.count and after.count else 0,
        goes=new is None,
        answers=place in answering,
    )


def _pods(deployment: KubernetesObject | None, least: int = 0) -> Pods:
    if deployment is None:
        return Pods()
    return Pods(max(_count(deployment.spec.get("replicas")), least), _needs(deployment))


def _count(value: Any) -> int:
    """Return a number of pods; 1 if it is not set, or not known yet."""
    return int(value) if isinstance(value, int | float) else 1


def _needs(workload: KubernetesObject) -> Mapping[str, Decimal]:
    needs = {"pods": Decimal(1)}
    for container in workload.containers:
        for kind, amounts in container.get("resources", {}).items():
            for resource, amount in numbers(amounts):
                name = f"{kind}.{resource}"
                needs[name] = needs.get(name, _NONE) + amount
    return needs


def _surge(deployment: KubernetesObject, replicas: int) -> int:
    strategy = deployment.spec.get("strategy", {})
    if strategy.get("type") == "Recreate":
        return 0
    surge = str((strategy.get("rollingUpdate") or {}).get("maxSurge", _SURGE))
    share, is_share, _ = surge.partition("%")
    if not is_share:
        return int(surge)
    return int((Decimal(share) * replicas / 100).to_integral_value(ROUND_CEILING))


def numbers(quantities: Any) -> Iterator[tuple[str, Decimal]]:
    """Yield the quantities that a preview shows; marks of secret or unknown values are left out."""
    for resource, quantity in quantities.items() if isinstance(quantities, dict) else ():
        with suppress(ValueError, KeyError, ArithmeticError):
            yield resource, value_of(str(quantity))
