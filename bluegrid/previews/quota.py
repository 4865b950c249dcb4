"""Whether a stack's pods fit into the quota of its namespace, as far as a preview shows both.

An update needs more than what runs after it, in this order:

1. the pod of a preflight Job, before anything of its cluster changes;
2. new pods beside old ones: of a rolling update up to a quarter more (Kubernetes' default), at least one;
3. deletions come last: clusters, and pods of standbys, once the new live cluster is proven.

Free capacity of nodes is not checked: it changes until the update runs, and the sum over all nodes does not
show whether a pod fits on one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import TYPE_CHECKING

from bluegrid.previews.rollout import numbers, rollouts_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from bluegrid.previews.rollout import Rollout
    from bluegrid.states import KubernetesObject

_NONE = Decimal(0)


class When(Enum):
    """When a quota allows too little.

    Attributes:
        AFTER: after the update.
        DURING: during the update, which fails.
        AT_ONCE: during the update, if all clusters proceed at once; otherwise they wait for each other.
        AT_MOST: when every autoscaler is at its maximum.
    """

    AFTER = auto()
    DURING = auto()
    AT_ONCE = auto()
    AT_MOST = auto()


@dataclass(frozen=True)
class Shortage:
    """A resource of which a quota allows too little.

    Attributes:
        quota: name of the ResourceQuota.
        resource: as the quota names it, such as `requests.memory`.
        needed: in cores, bytes or pods.
        allowed: limit of the quota.
        when: the moment.
        name: the Deployment that cannot be updated, or the autoscaled ones; empty: none in particular.
    """

    quota: str
    resource: str
    needed: Decimal
    allowed: Decimal
    when: When
    name: str = ""


def shortages(
    before: Sequence[KubernetesObject],
    after: Sequence[KubernetesObject],
    preflights: Sequence[KubernetesObject] = (),
    answering: Collection[tuple[str, str]] = (),
) -> Iterator[Shortage]:
    """Yield each resource of which pods request more than a quota allows.

    Args:
        before: objects before the update; the same as `after`, to check that state alone.
        after: objects after the update.
        preflights: Jobs that the update runs.
        answering: service and ID of the clusters that get requests after the update.
    """
    for quota in after:
        if quota.kind == "ResourceQuota":
            # Another namespace has a quota of its own.
            old, new, jobs = (
                [each for each in objects if each.namespace == quota.namespace]
                for objects in (before, after, preflights)
            )
            rollouts = rollouts_of(old, new, jobs, answering)
            for resource, allowed in numbers(quota.spec.get("hard")):
                for when, needed, name in _needed(rollouts, resource, allowed):
                    yield Shortage(quota.name, resource, needed, allowed, when, name)


def _needed(
    rollouts: Sequence[Rollout], resource: str, allowed: Decimal
) -> Iterator[tuple[When, Decimal, str]]:
    """Yield what exceeds the limit: at the worst moment, and with autoscalers at their maximum."""
    after = _sum(each.new.need(resource) for each in rollouts)
    if after > allowed:
        yield When.AFTER, after, ""
        return
    most = _sum(each.new.need(resource, each.most) for each in rollouts)
    if most > allowed:
        yield When.AT_MOST, most, ", ".join(each.name for each in rollouts if each.most > each.new.count)
    during = [(_during(each, rollouts, resource), each.name) for each in rollouts if each.starts_pods]
    if not during:
        return
    needed, name = max(during)
    at_once = _sum(each.at_once(resource) for each in rollouts)
    if needed > allowed:
        yield When.DURING, needed, name
    elif at_once > allowed:
        yield When.AT_ONCE, at_once, ""


def _during(rollout: Rollout, rollouts: Iterable[Rollout], resource: str) -> Decimal:
    others = (other.held(resource, rollout) for other in rollouts if other is not rollout)
    return rollout.at_least(resource) + _sum(others)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, _NONE)
