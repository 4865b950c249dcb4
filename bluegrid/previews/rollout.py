"""What a cluster's pods ask for in an update: before, in between and after."""

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
"""How many pods a Deployment may have beside those that it is to have, where it does not say so.
https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-surge"""


_ALIASES = {"cpu": "requests.cpu", "memory": "requests.memory"}
"""https://kubernetes.io/docs/concepts/policy/resource-quotas/#quota-for-infrastructure-resources"""


@dataclass(frozen=True)
class Pods:
    """Pods that are equal.

    Attributes:
        count: how many.
        needs: what each asks for, by resource as quotas name it, such as `requests.cpu`; in cores or bytes.
    """

    count: int = 0
    needs: Mapping[str, Decimal] = field(default_factory=dict)

    def need(self, resource: str, count: int | None = None) -> Decimal:
        """Return what these pods, or so many of them, ask for together."""
        each = self.needs.get(_ALIASES.get(resource, resource), _NONE)
        return (self.count if count is None else count) * each


@dataclass(frozen=True)
class Rollout:
    """What becomes of the pods of one cluster.

    Attributes:
        name: of its Deployment.
        service: that it belongs to; empty: none.
        old: pods that there are; of a new Deployment none.
        new: pods that there will be; of one that goes none.
        preflight: the pod of the Job that runs first; none, if no Job does.
        most: number of its pods if its autoscaler goes to the maximum.
        surge: pods that there may be beside the new ones, while old pods give way to them; 0: none do.
        goes: whether the Deployment is deleted, which is the last thing in an update.
        answers: whether it gets requests afterwards.
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
        """Whether pods have to start that are not there yet."""
        return bool(self.surge or self.preflight.count or self.new.count > self.old.count)

    def at_least(self, resource: str) -> Decimal:
        """Return what it has to be given at some moment, as slowly as it may go."""
        return max(self._beside(resource, min(1, self.surge)), self._in_preflight(resource))

    def at_once(self, resource: str) -> Decimal:
        """Return what it asks for at some moment, as fast as it may go."""
        return max(self._beside(resource, self.surge), self._in_preflight(resource))

    def held(self, resource: str, other: Rollout) -> Decimal:
        """Return what it certainly has while another one starts its pods."""
        # Only once what is to be live is proven.
        waits = self.service == other.service != "" and other.answers and not self.answers
        if self.goes or waits:
            return self.old.need(resource)
        return min(self.old.need(resource), self.new.need(resource))

    def _beside(self, resource: str, surge: int) -> Decimal:
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
    """Return what becomes of the pods of each Deployment.

    Args:
        before: what there is, all in one namespace.
        after: what there will be in it.
        preflights: Jobs that the update runs.
        answering: service and ID of the clusters that get requests afterwards.
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
    assert deployment is not None  # noqa: S101 - it is in one of the two
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


def _count(given: Any) -> int:
    """Return a number of pods; what is not given, or not known yet, is at least one."""
    return int(given) if isinstance(given, int | float) else 1


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
    given = str((strategy.get("rollingUpdate") or {}).get("maxSurge", _SURGE))
    share, is_share, _ = given.partition("%")
    if not is_share:
        return int(given)
    return int((Decimal(share) * replicas / 100).to_integral_value(ROUND_CEILING))


def numbers(quantities: Any) -> Iterator[tuple[str, Decimal]]:
    """Return those that a preview shows: a mark stands where a value is secret, or not known yet."""
    for resource, quantity in quantities.items() if isinstance(quantities, dict) else ():
        with suppress(ValueError, KeyError, ArithmeticError):
            yield resource, value_of(str(quantity))
