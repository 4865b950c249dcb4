"""Sentences for all that a plan does beside the changes of services; other changes are counted.

Each changed property has a topic (`topics.py`). A topic is reported by `ServiceChange`, or by a
sentence about pods, a route or the region; a change with a topic that nothing reports is one of the others.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bluegrid.previews import pods, region, routing
from bluegrid.previews.coverage import is_covered_by, is_rolled
from bluegrid.previews.resource_changes import changes_of
from bluegrid.previews.topics import Topic, aspects_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bluegrid.previews.plan import Plan
    from bluegrid.previews.resource_changes import ResourceChange
    from bluegrid.previews.routing import Routing
    from bluegrid.previews.service_sentences import Risk
    from bluegrid.previews.topics import Aspect
    from bluegrid.states import ServiceChange

_NAMES = 5
"""How many of the other changes are named for each operation."""
_STACK = "pulumi:pulumi:Stack"
"""Left out: the outputs of a stack follow from other changes."""


@dataclass(frozen=True)
class Effects:
    """What a plan does, in sentences.

    Attributes:
        region: about all services or none; last, the other changes, counted and named.
        services: about one service, by its name.
        risks: warnings to the reviewer.
    """

    region: Sequence[str] = ()
    services: Mapping[str, Sequence[str]] = field(default_factory=dict)
    risks: Sequence[Risk] = ()


def effects_of(plan: Plan, services: Sequence[ServiceChange]) -> Effects:
    """Return what a plan does beside the changes of its services.

    Args:
        plan: of the stack.
        services: the changes of its services.
    """
    changes = [each for each in changes_of(plan) if each.type != _STACK]
    # A component changes as its resources do, and does not run itself.
    all_aspects = aspects_of([each for each in changes if not each.is_component] or changes)
    by_name = {each.name: each for each in services}
    aspects = _adjusted(each for each in all_aspects if not is_covered_by(by_name.get(each.cluster[0]), each))
    routings = _changed_routings(plan)
    of_region, risks = _of_region(aspects)
    sentences: dict[str, list[str]] = defaultdict(list)
    for name, (old, new) in routings.items():
        sentences[name] += routing.sentences(old, new)
        risks += routing.risks(name, old, new)
    stay, rolled = _clusters(services)
    of_clusters = [each for each in aspects if each.cluster[1]]
    # Without the other services it is not known what is true of the whole stack.
    whole = {*stay, *([("", "")] if plan.excerpt else [])}
    for by_service in (pods.sentences(of_clusters, whole), pods.replaced(all_aspects, whole, rolled)):
        for name, some in by_service.items():
            sentences[name] += some
    others = [each.change for each in aspects if not _has_words(each, routings)]
    return Effects([*of_region, *sentences.pop("", []), *_counted(others)], sentences, risks)


def planned_changes(plan: Plan) -> list[str]:
    """Return a line with what a plan would change and what to do; empty if it changes nothing."""
    changes = [each for each in changes_of(plan) if each.type != _STACK and not each.is_component]
    remedy = "apply what waits with `pulumi up`, or find out who has changed the stack"
    return [f"{text}; {remedy}" for text in _counted(changes, "would change")]


def _adjusted(uncovered: Iterable[Aspect]) -> list[Aspect]:
    """Adjust the topics of aspects that no service's change describes."""
    aspects = list(uncovered)
    of_namespaces = {each.change.op for each in aspects if each.topic is Topic.NAMESPACE}
    adjusted = []
    for each in aspects:
        topic = each.topic
        if topic is Topic.RESOURCES:
            # Limits are described by the service: what is left are a pod's settings.
            topic = Topic.SETTINGS
        elif topic is Topic.PLATFORM and each.change.op not in of_namespaces:
            # If its namespace stays, a Secret is the only part of a platform with a sentence.
            topic = Topic.CREDENTIALS if each.change.kind == "Secret" else None
        adjusted.append(replace(each, topic=topic))
    return adjusted


def _of_region(aspects: Sequence[Aspect]) -> tuple[list[str], list[Risk]]:
    sentences, risks = [], []
    for topic in region.TOPICS:
        if some := [each for each in aspects if each.topic is topic]:
            sentences += region.sentences(topic, some)
            risks += region.risks(topic, some)
    return sentences, risks


def _changed_routings(plan: Plan) -> dict[str, tuple[Routing, Routing]]:
    before, after = (routing.routings_of(each) for each in (plan.objects_before(), plan.objects_after()))
    both = sorted(before.keys() & after.keys())
    return {name: (before[name], after[name]) for name in both if before[name] != after[name]}


def _clusters(services: Sequence[ServiceChange]) -> tuple[set[pods.Cluster], set[pods.Cluster]]:
    """Return the clusters that stay, and the subset whose pods are reported as replaced."""
    pairs = {
        (service.name, cluster.id): (cluster, service.after.clusters[cluster.id])
        for service in services
        if service.before is not None and service.after is not None
        for cluster in service.before.clusters.values()
        if cluster.id in service.after.clusters
    }
    return {*pairs}, {name for name, (old, new) in pairs.items() if is_rolled(old, new)}


def _has_words(aspect: Aspect, routings: Mapping[str, object]) -> bool:
    if aspect.topic is Topic.ROUTING:
        return aspect.cluster[0] in routings
    # Only for clusters: a program may have Deployments of its own.
    if aspect.topic in (*pods.LABELS, Topic.PREFLIGHT):
        return aspect.cluster[1] != ""
    return aspect.topic in (*region.TOPICS, Topic.PLATFORM)


def _counted(others: Sequence[ResourceChange], what: str = "other changes") -> Iterator[str]:
    """Count changes by operation, and name the first."""
    names: dict[str, dict[str, None]] = defaultdict(dict)
    for each in others:
        names[each.op][f"{each.kind} {each.name}"] = None
    counted = []
    for op, some in sorted(names.items()):
        more = f" and {len(some) - _NAMES} more" if len(some) > _NAMES else ""
        counted.append(f"{len(some)} {op} ({', '.join([*some][:_NAMES])}{more})")
    if counted:
        yield f"{what}: {', '.join(counted)}"
