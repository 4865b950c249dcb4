"""What must hold of every plan, as plain functions of its objects.

`bluegrid check --preview` runs them on a preview, the policy pack in `policy/` inside the engine. Mandatory
findings stop an update, advisory ones are told. Each names the object, the fault and the remedy on one line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from model_registry.errors import BluegridError
from previews.changes import changes_between
from previews.quota import shortages
from previews.states import states_of_objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from previews.plan import KubernetesObject, Plan
    from previews.quota import Shortage

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_LIMITS = ("cpu", "memory")


class PolicyError(BluegridError):
    """A mandatory rule does not hold; one line for each finding."""


class Level(StrEnum):
    """Whether a finding stops an update."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


class Rule(StrEnum):
    """What is asked, by the name that findings and the policy pack give it."""

    IMAGE = "image-by-digest"
    LIMITS = "limits-are-set"
    PRIVILEGES = "no-privileges"
    ROUTE = "route-leads-somewhere"
    QUOTA = "quota-suffices"
    QUOTA_IN_BETWEEN = "quota-suffices-in-between"
    STANDBY = "standby-stays"

    @property
    def level(self) -> Level:
        """Whether it stops an update."""
        return Level.ADVISORY if self in (Rule.STANDBY, Rule.QUOTA_IN_BETWEEN) else Level.MANDATORY


@dataclass(frozen=True)
class Finding:
    """A rule that does not hold.

    Attributes:
        rule: which.
        place: kind and name of the object.
        message: fault and remedy.
    """

    rule: Rule
    place: str
    message: str

    @property
    def level(self) -> Level:
        """Whether it stops an update."""
        return self.rule.level

    def __str__(self) -> str:
        return f"{self.place}: {self.message} ({self.rule}, {self.level})"


def check_objects(objects: Iterable[KubernetesObject]) -> list[Finding]:
    """Return what does not hold of each object by itself."""
    return [finding for each in objects for finding in _of_an_object(each)]


def check_stack(objects: Sequence[KubernetesObject]) -> list[Finding]:
    """Return what does not hold of all objects of a stack together."""
    services = {each.name for each in objects if each.kind == "Service"}
    return [
        _finding(Rule.ROUTE, route, f"its backend {name} is not declared; declare it")
        for route in objects
        if route.is_route
        for name in route.backends
        if name not in services
    ]


def check_plan(plan: Plan) -> list[Finding]:
    """Return what does not hold of a preview: of its objects, and of what it does to them."""
    after = plan.objects_after()
    findings = check_objects(after) + check_stack(after)
    findings += [_of_a_shortage(shortage) for shortage in shortages(plan)]
    for change in changes_between(states_of_objects(plan.objects_before()), states_of_objects(after)):
        if change.switch is not None and change.after is not None and len(change.after.clusters) == 1:
            message = "the switch leaves no standby; keep one cluster to go back to for one more update"
            findings.append(Finding(Rule.STANDBY, f"ModelService {change.name}", message))
    return findings


def _of_an_object(each: KubernetesObject) -> Iterator[Finding]:
    for container in each.containers:
        yield from _of_a_container(each, container)
    for sharing in ("hostNetwork", "hostPID", "hostIPC"):
        if each.pod.get(sharing):
            yield _finding(Rule.PRIVILEGES, each, f"{sharing} is on; leave it out")


def _of_a_container(each: KubernetesObject, container: Mapping[str, Any]) -> Iterator[Finding]:
    name, image = container.get("name"), container.get("image")
    # An image that only the update knows is a mark that says so.
    if not _DIGEST.search(str(image)):
        message = f"container {name} has image {image}, which can change behind its name"
        yield _finding(Rule.IMAGE, each, f"{message}; name it reference@sha256:<digest>")
    limits = container.get("resources", {}).get("limits", {})
    if missing := [resource for resource in _LIMITS if resource not in limits]:
        yield _finding(Rule.LIMITS, each, f"container {name} has no limit of {' and '.join(missing)}; set it")
    security = container.get("securityContext", {})
    if security.get("privileged") or security.get("allowPrivilegeEscalation", True):
        message = f"container {name} may gain privileges; set allowPrivilegeEscalation: false"
        yield _finding(Rule.PRIVILEGES, each, message)


def _of_a_shortage(short: Shortage) -> Finding:
    rule, when = (
        (Rule.QUOTA_IN_BETWEEN, "while new pods run beside old ones")
        if short.passes
        else (Rule.QUOTA, "by all pods")
    )
    needed, allowed = (_amount(value, short.resource) for value in (short.needed, short.allowed))
    message = f"{short.resource}: {needed} needed {when}, {allowed} allowed; raise the quota or ask for less"
    return Finding(rule, f"ResourceQuota {short.quota}", message)


def _amount(value: Decimal, resource: str) -> str:
    return f"{value / 2**20:.0f}Mi" if resource.endswith("memory") else f"{value.normalize():f}"


def _finding(rule: Rule, each: KubernetesObject, message: str) -> Finding:
    return Finding(rule, f"{each.kind} {each.name}", message)
