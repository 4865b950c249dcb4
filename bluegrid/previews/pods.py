"""Sentences about the pods of clusters that stay, beside version, size and number of pods."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from bluegrid.previews.resource_changes import REPLACE
from bluegrid.previews.topics import Topic
from bluegrid.previews.wording import images, listed, value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from bluegrid.previews.resource_changes import Difference
    from bluegrid.previews.topics import Aspect

Cluster = tuple[str, str]
"""Name of the service, and ID of the cluster."""

LABELS = {
    Topic.IMAGE: "image",
    Topic.STORE: "store",
    Topic.SETTINGS: "settings",
    Topic.POD: "other properties of pods",
    Topic.TIMEOUT: "time to be ready",
}
_TEMPLATE = "spec.template."


def sentences(aspects: Iterable[Aspect], all_clusters: Collection[Cluster]) -> dict[str, list[str]]:
    """Return the sentences by service; the empty name has those that are true of all clusters.

    Args:
        aspects: of clusters, without those that are described elsewhere.
        all_clusters: the clusters that are there before and after.
    """
    by_service: dict[str, list[str]] = defaultdict(list)
    for (name, text), clusters in _texts(aspects).items():
        if clusters == {*all_clusters}:
            by_service[""].append(f"**{name}** of the whole stack: {text}")
            continue
        for service, some in _named(clusters).items():
            by_service[service].append(f"{name} of {some}: {text}")
    return by_service


def replaced(
    aspects: Sequence[Aspect], all_clusters: Collection[Cluster], reported: Collection[Cluster]
) -> dict[str, list[str]]:
    """Return which pods are replaced and which preflights run again, by service; the empty name: all.

    Args:
        aspects: all of a plan.
        all_clusters: the clusters that are there before and after.
        reported: clusters whose replaced pods are reported elsewhere.
    """
    # A move to another namespace has a sentence of its own.
    moved = {each.cluster for each in aspects if each.topic is Topic.NAMESPACE}
    of_clusters = [each for each in aspects if each.cluster[1] and each.cluster not in moved]
    rolled = {each.cluster for each in of_clusters if _is_rolled(each)}
    retried = {each.cluster for each in of_clusters if (each.change.kind, each.change.op) == ("Job", REPLACE)}
    rest = rolled - {*reported}
    by_service: dict[str, list[str]] = defaultdict(list)
    if rest and rolled == {*all_clusters} and retried in (set(), rolled):
        before = "preflights run again, then " if retried else ""
        by_service[""].append(f"{before}every pod is replaced, one by one")
        rest = set()
    for service, some in _named(rest & retried).items():
        by_service[service].append(f"pods of {some} are replaced one by one, after a preflight")
    for service, some in _named(rest - retried).items():
        by_service[service].append(f"pods of {some} are replaced one by one")
    for service, some in _named(retried - rolled).items():
        by_service[service].append(f"preflight of {some} runs again")
    return by_service


def _texts(aspects: Iterable[Aspect]) -> Mapping[tuple[str, str], set[Cluster]]:
    """Group clusters with the same changes, by label and text."""
    by_topic: dict[tuple[Cluster, Topic], dict[str, Difference]] = defaultdict(dict)
    for each in aspects:
        if each.topic in LABELS and each.difference is not None:
            # Job and Deployment of a cluster have the same properties.
            by_topic[each.cluster, each.topic].setdefault(_name(each.difference), each.difference)
    texts: dict[tuple[str, str], set[Cluster]] = defaultdict(set)
    for topic, name in LABELS.items():
        for (cluster, changed), differences in by_topic.items():
            if changed is topic:
                texts[name, _text(topic, differences)].add(cluster)
    return texts


def _text(topic: Topic, differences: Mapping[str, Difference]) -> str:
    pairs = {
        name: f"{value(_of_variable(each.old))} → {value(_of_variable(each.new))}"
        for name, each in sorted(differences.items())
    }
    if topic is Topic.IMAGE:
        return ", ".join(images(str(each.old), str(each.new)) for each in differences.values())
    if topic in (Topic.SETTINGS, Topic.POD):
        return ", ".join(f"{name} {pair}" for name, pair in pairs.items())
    unit = " s" if topic is Topic.TIMEOUT else ""
    return ", ".join(f"{pair}{unit}" for pair in dict.fromkeys(pairs.values()))


def _name(difference: Difference) -> str:
    """Return the short name of a pod's property: a variable's name, or the end of the path."""
    path = difference.path.removesuffix(".value")
    _, is_variable, variable = path.partition(".env.")
    if is_variable:
        return variable
    path = path.removeprefix(_TEMPLATE).removeprefix("spec.")
    _, is_of_container, rest = path.partition("containers.")
    return rest.partition(".")[2] if is_of_container else path


def _of_variable(content: Any) -> Any:
    """Return the value of a variable that is added or removed as a whole; any other value as it is."""
    return content["value"] if isinstance(content, dict) and "value" in content else content


def _is_rolled(aspect: Aspect) -> bool:
    is_update = aspect.change.kind == "Deployment" and aspect.change.op == "update"
    return is_update and aspect.difference is not None and aspect.difference.path.startswith(_TEMPLATE)


def _named(clusters: Iterable[Cluster]) -> Mapping[str, str]:
    names_of: dict[str, list[str]] = defaultdict(list)
    for service, cluster in sorted(clusters):
        names_of[service].append(cluster)
    return {service: listed(names) for service, names in names_of.items()}
