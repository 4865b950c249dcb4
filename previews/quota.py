"""Whether a stack's pods fit into the quota of its namespace, as far as a preview shows both.

What nodes have free is not looked at: it is another thing when the update runs, and the sum of all nodes says
nothing of the one that a pod has to fit on.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from model_registry.registry_files.quantities import value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from previews.plan import KubernetesObject, Plan


@dataclass(frozen=True)
class Shortage:
    """A resource of which a quota allows too little.

    Attributes:
        quota: name of the ResourceQuota.
        resource: as the quota names it, such as `requests.memory`.
        needed: by all pods together, while new ones run beside old ones; in cores, bytes or pods.
        allowed: the most that there may be.
        passes: whether it is enough once the old pods have gone.
    """

    quota: str
    resource: str
    needed: Decimal
    allowed: Decimal
    passes: bool


def shortages(plan: Plan) -> Iterator[Shortage]:
    """Find what the pods of an update ask for in vain; preflight Jobs and rolling updates come on top."""
    before, after = _needs(plan.objects_before()), _needs(plan.objects_after())
    for quota in plan.objects_after():
        for resource, allowed in _numbers(quota.spec.get("hard")) if quota.kind == "ResourceQuota" else ():
            # Of each Deployment: new pods come before old ones go.
            asked = [
                tuple(needs.get(name, {}).get(resource, Decimal(0)) for needs in (before, after))
                for name in before.keys() | after.keys()
            ]
            needed, left = sum(map(max, asked), Decimal(0)), sum((last for _, last in asked), Decimal(0))
            if needed > allowed:
                yield Shortage(quota.name, resource, needed, allowed, passes=left <= allowed)


def _needs(objects: Iterable[KubernetesObject]) -> dict[str, Mapping[str, Decimal]]:
    """Return what the pods of each Deployment ask for together, by resource as quotas name it."""
    return {each.name: _of_pods(each) for each in objects if each.kind == "Deployment"}


def _of_pods(deployment: KubernetesObject) -> Mapping[str, Decimal]:
    # Where an autoscaler decides there is at least one.
    pods = Decimal(deployment.spec.get("replicas", 1))
    needs = {"pods": pods}
    for container in deployment.containers:
        for kind, amounts in container.get("resources", {}).items():
            for resource, amount in _numbers(amounts):
                name = f"{kind}.{resource}"
                needs[name] = needs.get(name, Decimal(0)) + pods * amount
    return needs


def _numbers(quantities: Any) -> Iterator[tuple[str, Decimal]]:
    """Return those that a preview shows: a mark stands where a value is secret, or not known yet."""
    for resource, quantity in quantities.items() if isinstance(quantities, dict) else ():
        with suppress(ValueError, KeyError, ArithmeticError):
            yield resource, value_of(str(quantity))
