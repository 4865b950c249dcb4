"""Whether a stack's pods fit into the quota of its namespace, as far as a preview shows both.

An update needs more than what runs after it. In this order:

1. the pod of a preflight Job, before anything of its cluster changes;
2. new pods beside old ones: of a rolling update up to a quarter more (Kubernetes' default), at least one;
3. what goes, goes last: clusters that are deleted, and pods of standbys, once the new live cluster is proven.

What nodes have free is not looked at: it is another thing when the update runs, and the sum of all nodes says
nothing of the one that a pod has to fit on.
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
    """At which moment a quota allows too little.

    Attributes:
        AFTER: when the update is done, and from then on.
        DURING: in between: without it the update fails.
        AT_ONCE: in between, if all clusters go on at the same time: otherwise they wait for each other.
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
        allowed: the most that there may be.
        when: at which moment.
        name: the Deployment that cannot be updated, or those that are autoscaled; empty: none in particular.
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
    """Find what pods ask for in vain.

    Args:
        before: what there is; the same as after, to look at that alone.
        after: what there will be.
        preflights: Jobs that the update runs.
        answering: service and ID of the clusters that get requests after the update.
    """
    for quota in after:
        if quota.kind == "ResourceQuota":
            # Another namespace has a quota of its own.
            there, will_be, first = (
                [each for each in objects if each.namespace == quota.namespace]
                for objects in (before, after, preflights)
            )
            rollouts = rollouts_of(there, will_be, first, answering)
            for resource, allowed in numbers(quota.spec.get("hard")):
                for when, needed, name in _needed(rollouts, resource, allowed):
                    yield Shortage(quota.name, resource, needed, allowed, when, name)


def _needed(
    rollouts: Sequence[Rollout], resource: str, allowed: Decimal
) -> Iterator[tuple[When, Decimal, str]]:
    """Return what is more than allowed: the worst of it, and what autoscalers may add to it."""
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


def _during(one: Rollout, rollouts: Iterable[Rollout], resource: str) -> Decimal:
    return one.at_least(resource) + _sum(other.held(resource, one) for other in rollouts if other is not one)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, _NONE)
