"""The rules for plans, as plain functions of a plan's objects.

`bluegrid check --preview` runs them on a preview, the policy pack (`bluegrid/policy/`) in Pulumi's engine.
Mandatory findings stop an update, advisory ones do not. Each names object, fault and remedy on one line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bluegrid.previews.quota import When, shortages
from bluegrid.previews.resource_changes import CREATE, REPLACE, changes_of
from bluegrid.previews.wording import listed
from bluegrid.states import changes_between
from bluegrid.states.services import states_of_objects
from bluegrid_registry.errors import BluegridError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from bluegrid.previews.plan import Plan
    from bluegrid.previews.quota import Shortage
    from bluegrid.states import KubernetesObject, ServiceChange

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_LIMITS = ("cpu", "memory")


class PolicyError(BluegridError):
    """A plan breaks mandatory rules; one line for each finding."""


class Level(StrEnum):
    """Whether a finding stops an update."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


class Rule(StrEnum):
    """A rule, by its name in findings and in the policy pack."""

    IMAGE = "image-by-digest"
    LIMITS = "limits-are-set"
    PRIVILEGES = "no-privileges"
    ROUTE = "route-leads-somewhere"
    LIVE_PODS = "live-has-pods"
    LIVE_SERVICE = "live-service-stays"
    QUOTA = "quota-suffices"
    QUOTA_DURING = "quota-suffices-to-update"
    QUOTA_AT_ONCE = "quota-suffices-in-between"
    QUOTA_AT_MOST = "quota-suffices-for-autoscalers"
    STANDBY = "standby-stays"

    @property
    def level(self) -> Level:
        """Whether it stops an update."""
        return Level.ADVISORY if self in _ADVISORY else Level.MANDATORY


_ADVISORY = (Rule.QUOTA_AT_ONCE, Rule.QUOTA_AT_MOST, Rule.STANDBY)
_PODS_REMEDY = "set its replicas, in the registry and in bluegrid:replicas, or switch first"
_QUOTAS = {
    When.AFTER: (Rule.QUOTA, "needed by all pods"),
    When.DURING: (Rule.QUOTA_DURING, "needed for the update of {name}, which fails without"),
    When.AT_ONCE: (Rule.QUOTA_AT_ONCE, "needed while new pods run beside old ones, or clusters wait"),
    When.AT_MOST: (Rule.QUOTA_AT_MOST, "needed with {name} at the autoscaler's maximum"),
}
"""For a shortage at each moment: the rule, and what the amount is needed for."""


@dataclass(frozen=True)
class Finding:
    """A rule that a plan breaks.

    Attributes:
        rule: the rule.
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
    """Check the rules for single objects."""
    return [finding for each in objects for finding in _object_findings(each)]


def check_stack(objects: Sequence[KubernetesObject]) -> list[Finding]:
    """Check the rules for all objects of a stack together."""
    services = {each.name for each in objects if each.kind == "Service"}
    strays = [
        _finding(Rule.ROUTE, route, f"its backend {name} is not declared; declare it")
        for route in objects
        if route.is_route
        for name in route.backends
        if name not in services
    ]
    lacking = [_shortage_finding(each) for each in shortages(objects, objects)]
    return [*strays, *_live_without_pods(objects), *lacking]


def check_plan(plan: Plan, may_go: Collection[str] = ()) -> list[Finding]:
    """Check a preview: its objects, and the changes to them.

    Args:
        plan: of the stack.
        may_go: live services that may be deleted.
    """
    before, after = plan.objects_before(), plan.objects_after()
    changes = changes_between(states_of_objects(before), states_of_objects(after))
    return [
        *check_objects(after),
        *check_stack([*after, *plan.objects_of_others()]),
        *_quota_findings(plan, changes),
        *_removed_live_services(plan, changes, may_go),
        *_missing_standbys(changes),
    ]


def _live_without_pods(objects: Sequence[KubernetesObject]) -> Iterator[Finding]:
    selectors = {each.name: each.spec.get("selector") for each in objects if each.kind == "Service"}
    live = {
        name for route in objects if route.is_live_route for name, weight in route.backends.items() if weight
    }
    for each in objects:
        if each.kind == "Deployment" and each.spec.get("replicas", 1) == 0:
            for name in sorted(live):
                if _selects(selectors.get(name), each.pod_labels):
                    message = f"it is live and has no pods: nobody would answer; {_PODS_REMEDY}"
                    yield _finding(Rule.LIVE_PODS, each, message)


def _selects(selector: Any, labels: Mapping[str, str]) -> bool:
    """Whether a Service sends requests to pods with these labels; without a selector it sends none."""
    return isinstance(selector, dict) and bool(selector) and selector.items() <= labels.items()


def _quota_findings(plan: Plan, changes: Iterable[ServiceChange]) -> Iterator[Finding]:
    """Yield what quotas lack while the update runs; `check_stack` finds the rest."""
    answering = {
        (change.name, cluster) for change in changes if change.after for cluster in change.after.answering
    }
    preflights = [
        each.object for each in changes_of(plan) if each.kind == "Job" and each.op in (CREATE, REPLACE)
    ]
    others = plan.objects_of_others()
    before, after = ([*objects, *others] for objects in (plan.objects_before(), plan.objects_after()))
    for short in shortages(before, after, preflights, answering):
        if short.when in (When.DURING, When.AT_ONCE):
            yield _shortage_finding(short)


def _removed_live_services(
    plan: Plan, changes: Sequence[ServiceChange], may_go: Collection[str]
) -> Iterator[Finding]:
    going = [change for change in changes if change.loses_its_url and change.name not in may_go]
    if going and plan.excerpt is None and all(change.after is None for change in changes):
        names = listed([change.name for change in going])
        message = (
            f"the update leaves no service, and {names} answer{'s' if len(going) == 1 else ''}; see that "
            f"bluegrid:registry names the right folder, or allow it: {_allowing(going)}"
        )
        yield Finding(Rule.LIVE_SERVICE, f"Stack {plan.stack}", message)
        return
    for change in going:
        heirs = [each.name for each in changes if each.before is None and each.set == change.set]
        what = f"renamed to {heirs[0]}" if heirs and change.after is None else "deleted"
        message = (
            f"it is live and is {what}: clients of its URL get 404; keep it in the registry, "
            f"or allow it: {_allowing([change])}"
        )
        yield Finding(Rule.LIVE_SERVICE, f"ModelService {change.name}", message)


def _allowing(changes: Iterable[ServiceChange]) -> str:
    return " ".join(["bluegrid check", *(f"--allow-delete {change.name}" for change in changes)])


def _missing_standbys(changes: Iterable[ServiceChange]) -> Iterator[Finding]:
    for change in changes:
        if change.switch is not None and change.after is not None and len(change.after.clusters) == 1:
            message = "the switch leaves no standby; keep one cluster to go back to for one more update"
            yield Finding(Rule.STANDBY, f"ModelService {change.name}", message)


def _object_findings(each: KubernetesObject) -> Iterator[Finding]:
    for container in each.containers:
        yield from _container_findings(each, container)
    for sharing in ("hostNetwork", "hostPID", "hostIPC"):
        if each.pod.get(sharing):
            yield _finding(Rule.PRIVILEGES, each, f"{sharing} is on; leave it out")


def _container_findings(each: KubernetesObject, container: Mapping[str, Any]) -> Iterator[Finding]:
    name, image = container.get("name"), container.get("image")
    # The mark of an image that only the update knows has no digest.
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


def _shortage_finding(short: Shortage) -> Finding:
    rule, why = _QUOTAS[short.when]
    needed, allowed = (_amount(value, short.resource) for value in (short.needed, short.allowed))
    message = (
        f"{short.resource}: {needed} {why.format(name=short.name)}, {allowed} allowed; "
        "raise the quota or ask for less"
    )
    return Finding(rule, f"ResourceQuota {short.quota}", message)


def _amount(value: Decimal, resource: str) -> str:
    return f"{value / 2**20:.0f}Mi" if resource.endswith("memory") else f"{value.normalize():f}"


def _finding(rule: Rule, each: KubernetesObject, message: str) -> Finding:
    return Finding(rule, f"{each.kind} {each.name}", message)
