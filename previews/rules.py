"""What must hold of every plan, as plain functions of a preview; `bluegrid check --preview` runs them.

Mandatory findings stop an update, advisory ones are told. Each names the object, the fault and the remedy on
one line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from model_registry.errors import BluegridError
from previews.changes import changes_between
from previews.states import states_of_objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from previews.plan import KubernetesObject, Plan

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_LIMITS = ("cpu", "memory")


class PolicyError(BluegridError):
    """A mandatory rule does not hold; one line for each finding."""


class Level(StrEnum):
    """Whether a finding stops an update."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


@dataclass(frozen=True)
class Finding:
    """A rule that does not hold.

    Attributes:
        rule: name of the rule.
        level: whether it stops an update.
        place: kind and name of the object.
        message: fault and remedy.
    """

    rule: str
    level: Level
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message} ({self.rule}, {self.level})"


def check_objects(objects: Iterable[KubernetesObject]) -> list[Finding]:
    """Return what does not hold of each object by itself."""
    return [finding for each in objects for finding in _of_an_object(each)]


def check_plan(plan: Plan) -> list[Finding]:
    """Return what does not hold of a preview: of its objects, and of all of them together."""
    after = plan.objects_after()
    findings = check_objects(after)
    services = {each.name for each in after if each.kind == "Service"}
    for route in after:
        if route.is_route:
            findings += [
                _finding("route-leads-somewhere", route, f"its backend {name} is not declared; declare it")
                for name in route.backends
                if name not in services
            ]
    for change in changes_between(states_of_objects(plan.objects_before()), states_of_objects(after)):
        if change.switch is not None and change.after is not None and len(change.after.clusters) == 1:
            message = "the switch leaves no standby; keep one cluster to go back to for one more update"
            findings.append(Finding("standby-stays", Level.ADVISORY, f"ModelService {change.name}", message))
    return findings


def _of_an_object(each: KubernetesObject) -> Iterator[Finding]:
    for container in each.containers:
        yield from _of_a_container(each, container)
    for sharing in ("hostNetwork", "hostPID", "hostIPC"):
        if each.pod.get(sharing):
            yield _finding("no-privileges", each, f"{sharing} is on; leave it out")


def _of_a_container(each: KubernetesObject, container: Mapping[str, Any]) -> Iterator[Finding]:
    name, image = container.get("name"), container.get("image")
    # An image that only the update knows is a mark that says so.
    if not _DIGEST.search(str(image)):
        message = f"container {name} has image {image}, which can change behind its name"
        yield _finding("image-by-digest", each, f"{message}; name it reference@sha256:<digest>")
    limits = container.get("resources", {}).get("limits", {})
    if missing := [resource for resource in _LIMITS if resource not in limits]:
        yield _finding(
            "limits-are-set", each, f"container {name} has no limit of {' and '.join(missing)}; set it"
        )
    security = container.get("securityContext", {})
    if security.get("privileged") or security.get("allowPrivilegeEscalation", True):
        message = f"container {name} may gain privileges; set allowPrivilegeEscalation: false"
        yield _finding("no-privileges", each, message)


def _finding(rule: str, each: KubernetesObject, message: str) -> Finding:
    return Finding(rule, Level.MANDATORY, f"{each.kind} {each.name}", message)
