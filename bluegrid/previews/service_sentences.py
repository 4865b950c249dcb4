"""The changes of a service in sentences, and the risks of the changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid.previews.wording import listed, short
from bluegrid.states import is_republished
from bluegrid_registry import Autoscaling
from bluegrid_registry.counts import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bluegrid.states import ClusterState, ServiceChange, ServiceState


@dataclass(frozen=True)
class Risk:
    """A warning to the reviewer of a change: fault and remedy on one line."""

    service: str
    message: str


def sentences_of(change: ServiceChange) -> Iterator[str]:
    """Yield a sentence for each change of a service, the most important first, unchanged clusters last."""
    if change.after is None:
        yield f"**delete** the service with its URL and {_all_with_versions(change.clusters_before)}"
        return
    if change.before is None:
        yield f"**create** the service; live is {_live_with_versions(change.after)}"
    elif change.is_rerouted:
        yield _rerouting(change, change.before, change.after)
    if change.is_of_another_set:
        yield f"**serves set {change.set} instead of {_set_before(change)}**"
    yield from _clusters(change, change.after)


def risks_of(change: ServiceChange) -> Iterator[Risk]:
    """Yield the risks of a change."""
    for message in _risks(change):
        yield Risk(change.name, message)


def _risks(change: ServiceChange) -> Iterator[str]:
    if change.loses_its_url:
        yield "its URL goes: clients get 404 from then on"
    if change.after is None:
        return
    if change.is_of_another_set:
        yield (
            f"its URL answers with models of set {change.set} instead of {_set_before(change)}; give another "
            "set a service of its own"
        )
    yield from _risks_of_clusters(change, change.after)
    yield from _republished_versions(change, change.after)
    yield from _removed_autoscalers(change)


def _risks_of_clusters(change: ServiceChange, after: ServiceState) -> Iterator[str]:
    gone = [each for each in change.before.answering if each not in after.clusters] if change.before else []
    for cluster in gone:
        yield (
            f"{cluster} is removed in the update that switches away from it: going back has to start its "
            "pods again; keep it declared for one more update"
        )
    had_standby = len(change.clusters_before) > 1
    if had_standby and len(after.clusters) == 1 and not gone:
        yield f"no standby is left beside {after.live}; nothing to go back to at once"
    for each in after.answering:
        if each in after.clusters and after.clusters[each].replicas == 0:
            yield f"{each} is live and has no pods; set its replicas"


def _republished_versions(change: ServiceChange, after: ServiceState) -> Iterator[str]:
    # Another set has other models anyway, which is a risk of its own.
    for each in [] if change.is_of_another_set else after.answering:
        old, new = change.clusters_before.get(each), change.clusters_after.get(each)
        if old and new and is_republished(old, new):
            yield (
                f"{each} is live, and its version {new.version} gets another manifest, "
                f"{_manifests(old, new)}: clients get other models under its name; "
                "give them a version of their own, and switch"
            )


def _removed_autoscalers(change: ServiceChange) -> Iterator[str]:
    for cluster in change.clusters_after.values():
        old = change.clusters_before.get(cluster.id)
        if old and isinstance(old.replicas, Autoscaling) and not isinstance(cluster.replicas, Autoscaling):
            yield (
                f"{cluster.id} loses its autoscaler, which is deleted last and may scale until then: "
                f"set its min and max to {cluster.replicas} in an update before"
            )


def _clusters(change: ServiceChange, service: ServiceState) -> Iterator[str]:
    before, after = change.clusters_before, change.clusters_after
    # The first sentence has named the live cluster of a new service.
    named = service.answering if change.before is None else []
    for cluster in after.values():
        old = before.get(cluster.id)
        if old is None and cluster.id not in named:
            yield f"create {_with_version(cluster)}, {_pods(cluster.replicas)}{_shards(cluster)}"
        if old is None:
            yield from _held_pods(None, cluster)
        else:
            yield from _changes(old, cluster)
    for cluster in before.values():
        if cluster.id not in after:
            yield f"delete {_with_version(cluster)}: its Deployment, pods, Service and standing route"
    if not change.is_nothing:
        yield from _unchanged(change, service)


def _unchanged(change: ServiceChange, service: ServiceState) -> Iterator[str]:
    unchanged = [
        each
        for each in change.clusters_after.values()
        if change.clusters_before.get(each.id) == each and each.id not in service.answering
    ]
    for standby, how in (
        ([each.id for each in unchanged if each.replicas != 0], "warm"),
        ([each.id for each in unchanged if each.replicas == 0], "without pods"),
    ):
        if standby:
            yield f"{listed(standby)} {'stays' if len(standby) == 1 else 'stay'} {how}"


def _rerouting(change: ServiceChange, before: ServiceState, after: ServiceState) -> str:
    if not before.answering:
        return f"**route** its URL to {_live_with_versions(after)}"
    if not after.answering:
        return f"**delete** its live route, which leads to {_live_with_versions(before)}"
    what = "share" if change.switch is None else "switch"
    return f"**{what}** {_live_with_versions(before)} → {_live_with_versions(after)}"


def _set_before(change: ServiceChange) -> str:
    return change.before.set if change.before else ""


def _changes(old: ClusterState, new: ClusterState) -> Iterator[str]:
    if old.version != new.version:
        yield f"**{new.id} serves {new.version} instead of {old.version}**: a rolling update of its pods"
    if is_republished(old, new):
        manifests = _manifests(old, new)
        yield f"**{new.id} gets another {new.version}** (manifest {manifests}): a rolling update of its pods"
    if old.replicas != new.replicas:
        yield f"scale {new.id} from {_pods(old.replicas)} to {_pods(new.replicas)}"
    yield from _held_pods(old.held, new)
    resized = [
        f"{name} {old.resources.get(name, '0')} → {new.resources.get(name, '0')}"
        for name in sorted({*old.resources, *new.resources})
        if old.resources.get(name) != new.resources.get(name)
    ]
    if resized:
        yield f"resize {new.id}: {', '.join(resized)}; its pods are replaced one by one"


def _held_pods(held: int | None, cluster: ClusterState) -> Iterator[str]:
    """Yield how many pods a cluster's autoscaler keeps because of a switch, and until when."""
    if cluster.held is not None and cluster.held != held:
        yield (
            f"bring {cluster.id} to {counted(cluster.held, 'pod')} before requests come to it, as many as "
            "these take now: its autoscaler keeps them until the next `pulumi up`"
        )
    elif cluster.held is None and held is not None and isinstance(cluster.replicas, Autoscaling):
        yield (
            f"leave the pods of {cluster.id} to its autoscaler again, {cluster.replicas}: it has kept {held} "
            "since a switch"
        )


def _live_with_versions(service: ServiceState) -> str:
    """Name the clusters that get requests, with their shares if there are several."""
    parts = {each: f" {100 * share:.3g} %" for each, share in service.shares.items()}
    return ", ".join(
        f"{_with_version(service.clusters.get(each))}{parts.get(each, '')}" for each in service.answering
    )


def _manifests(old: ClusterState, new: ClusterState) -> str:
    return f"{short(old.manifest)} → {short(new.manifest)}"


def _with_version(cluster: ClusterState | None) -> str:
    return "nothing" if cluster is None else f"{cluster.id} ({cluster.version})"


def _pods(replicas: int | Autoscaling) -> str:
    if isinstance(replicas, Autoscaling):
        return str(replicas)
    return counted(replicas, "pod")


def _shards(cluster: ClusterState) -> str:
    return f" in {cluster.shards} shards" if cluster.shards > 1 else ""


def _all_with_versions(clusters: Mapping[str, ClusterState]) -> str:
    return listed([_with_version(each) for each in clusters.values()]) or "no cluster"
