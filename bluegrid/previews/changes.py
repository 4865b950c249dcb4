"""What becomes of a service between two states, in words, and what is risky about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid.previews.wording import listed, short
from bluegrid_registry import Autoscaling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bluegrid.previews.states import ClusterState, ServiceState


@dataclass(frozen=True)
class Risk:
    """What a reviewer has to know before the change is let through: fault and remedy on one line."""

    service: str
    message: str


@dataclass(frozen=True)
class ServiceChange:
    """A service before and after an update.

    Attributes:
        before: None: the service is new.
        after: None: the service goes.
    """

    before: ServiceState | None
    after: ServiceState | None

    @property
    def name(self) -> str:
        """Name of the service."""
        return self._any.name

    @property
    def set(self) -> str:
        """ID of its model set."""
        return self._any.set

    @property
    def switch(self) -> tuple[ClusterState, ClusterState] | None:
        """The cluster that is live and the one that will be, where these are two."""
        if self.before is None or self.after is None or self.before.live == self.after.live:
            return None
        old, new = self._live_before, self._live_after
        return None if old is None or new is None else (old, new)

    @property
    def compared(self) -> tuple[ClusterState, ClusterState] | None:
        """The cluster that is live and one that newly gets requests, for whoever compares their versions."""
        if self.switch is not None or self.before is None or self.after is None:
            return self.switch
        new = [each for each in self.after.answering if each not in self.before.answering]
        old, first = self._live_before, self._clusters_after.get(new[0]) if new else None
        return None if old is None or first is None else (old, first)

    @property
    def is_nothing(self) -> bool:
        """Whether the service stays as it is."""
        return self.before == self.after

    @property
    def is_rerouted(self) -> bool:
        """Whether other clusters get requests than before, or other shares of them."""
        if self.before is None or self.after is None:
            return False
        return (self.before.live, self.before.shares) != (self.after.live, self.after.shares)

    @property
    def is_of_another_set(self) -> bool:
        """Whether the service stays, and its model set does not."""
        return self.before is not None and self.after is not None and self.before.set != self.after.set

    @property
    def loses_its_url(self) -> bool:
        """Whether the service answers, and will have no live route any more."""
        return (
            self.before is not None
            and self.before.live is not None
            and (self.after is None or self.after.live is None)
        )

    def sentences(self) -> Iterator[str]:
        """Say what happens, the most important first; what stays as it is comes last."""
        if self.after is None:
            yield f"**delete** the service with its URL and {_named(self._clusters_before)}"
            return
        if self.before is None:
            yield f"**create** the service; live is {_answering(self.after)}"
        elif self.is_rerouted:
            yield self._rerouting(self.before, self.after)
        if self.is_of_another_set:
            yield f"**serves set {self.set} instead of {self._set_before}**"
        yield from self._clusters()

    def risks(self) -> Iterator[Risk]:
        """Say what could go wrong."""
        if self.loses_its_url:
            yield self._risk("its URL goes: clients get 404 from then on")
        if self.after is None:
            return
        if self.is_of_another_set:
            yield self._risk(
                f"its URL answers by models of set {self.set} instead of {self._set_before}; give another "
                "set a service of its own"
            )
        gone = (
            [each for each in self.before.answering if each not in self.after.clusters] if self.before else []
        )
        for cluster in gone:
            yield self._risk(
                f"{cluster} is removed in the update that switches away from it: going back takes a start of "
                "its pods; keep it declared for one more update"
            )
        had_standby = self.before is not None and len(self.before.clusters) > 1
        if had_standby and len(self.after.clusters) == 1 and not gone:
            yield self._risk(f"no standby is left beside {self.after.live}; nothing to go back to at once")
        for each in self.after.answering:
            if each in self.after.clusters and self.after.clusters[each].replicas == 0:
                yield self._risk(f"{each} is live and has no pods; set its replicas")
        yield from self._republished()
        yield from self._autoscalers_that_go()

    def _republished(self) -> Iterator[Risk]:
        # Of another set it is said already.
        for each in self.after.answering if self.after and not self.is_of_another_set else []:
            old, new = self._clusters_before.get(each), self._clusters_after.get(each)
            if old and new and is_republished(old, new):
                manifests = f"{short(old.manifest)} → {short(new.manifest)}"
                yield self._risk(
                    f"{each} is live, and its version {new.version} gets another manifest, {manifests}: "
                    "clients get other models under its name; give them a version of their own, and switch"
                )

    def _autoscalers_that_go(self) -> Iterator[Risk]:
        for cluster in self._clusters_after.values():
            old = self._clusters_before.get(cluster.id)
            if (
                old
                and isinstance(old.replicas, Autoscaling)
                and not isinstance(cluster.replicas, Autoscaling)
            ):
                yield self._risk(
                    f"{cluster.id} loses its autoscaler, which goes last and may scale until then: "
                    f"set its min and max to {cluster.replicas} in an update before"
                )

    def _clusters(self) -> Iterator[str]:
        before, after = self._clusters_before, self._clusters_after
        live = self.after.answering if self.after else []
        # The live cluster of a new service is named already.
        named = live if self.before is None else []
        for cluster in after.values():
            old = before.get(cluster.id)
            if old is None and cluster.id not in named:
                yield f"create {_of(cluster)}, {_pods(cluster.replicas)}"
            if old is None:
                yield from _keeping(None, cluster)
            else:
                yield from _changes(old, cluster)
        for cluster in before.values():
            if cluster.id not in after:
                yield f"delete {_of(cluster)}: its Deployment, pods, Service and standing route"
        if self.is_nothing:
            return
        unchanged = [each for each in after.values() if before.get(each.id) == each and each.id not in live]
        for standby, how in (
            ([each.id for each in unchanged if each.replicas != 0], "warm"),
            ([each.id for each in unchanged if each.replicas == 0], "without pods"),
        ):
            if standby:
                yield f"{listed(standby)} {'stays' if len(standby) == 1 else 'stay'} {how}"

    def _rerouting(self, before: ServiceState, after: ServiceState) -> str:
        if not before.answering:
            return f"**route** its URL to {_answering(after)}"
        if not after.answering:
            return f"**delete** its live route, which leads to {_answering(before)}"
        what = "share" if self.switch is None else "switch"
        return f"**{what}** {_answering(before)} → {_answering(after)}"

    @property
    def _set_before(self) -> str:
        return self.before.set if self.before else ""

    @property
    def _any(self) -> ServiceState:
        state = self.after or self.before
        assert state is not None  # noqa: S101 - a change is of something
        return state

    @property
    def _clusters_before(self) -> Mapping[str, ClusterState]:
        return self.before.clusters if self.before else {}

    @property
    def _clusters_after(self) -> Mapping[str, ClusterState]:
        return self.after.clusters if self.after else {}

    @property
    def _live_before(self) -> ClusterState | None:
        return self._clusters_before.get(self.before.live or "") if self.before else None

    @property
    def _live_after(self) -> ClusterState | None:
        return self._clusters_after.get(self.after.live or "") if self.after else None

    def _risk(self, message: str) -> Risk:
        return Risk(self.name, message)


def changes_between(
    before: Mapping[str, ServiceState], after: Mapping[str, ServiceState]
) -> list[ServiceChange]:
    """Return what becomes of each service, by name; those that stay as they are too."""
    return [ServiceChange(before.get(name), after.get(name)) for name in sorted({*before, *after})]


def is_republished(old: ClusterState, new: ClusterState) -> bool:
    """Whether a cluster keeps its version, and that is to have other models."""
    are_known = bool(old.manifest and new.manifest)
    return are_known and old.version == new.version and old.manifest != new.manifest


def _changes(old: ClusterState, new: ClusterState) -> Iterator[str]:
    if old.version != new.version:
        yield f"**{new.id} serves {new.version} instead of {old.version}**: a rolling update of its pods"
    if is_republished(old, new):
        manifests = f"{short(old.manifest)} → {short(new.manifest)}"
        yield f"**{new.id} gets another {new.version}** (manifest {manifests}): a rolling update of its pods"
    if old.replicas != new.replicas:
        yield f"scale {new.id} from {_pods(old.replicas)} to {_pods(new.replicas)}"
    yield from _keeping(old.held, new)
    resized = [
        f"{name} {old.resources.get(name, '0')} → {new.resources.get(name, '0')}"
        for name in sorted({*old.resources, *new.resources})
        if old.resources.get(name) != new.resources.get(name)
    ]
    if resized:
        yield f"resize {new.id}: {', '.join(resized)}; its pods are replaced one by one"


def _keeping(held: int | None, cluster: ClusterState) -> Iterator[str]:
    """Say what a switch has a cluster's autoscaler keep, and when it does not any more."""
    if cluster.held is not None and cluster.held != held:
        yield (
            f"bring {cluster.id} to {cluster.held} pods before requests come to it, as many as these take "
            "now: its autoscaler keeps them until the next `pulumi up`"
        )
    elif cluster.held is None and held is not None and isinstance(cluster.replicas, Autoscaling):
        yield (
            f"leave the pods of {cluster.id} to its autoscaler again, {cluster.replicas}: it has kept {held} "
            "since a switch"
        )


def _answering(service: ServiceState) -> str:
    """Name the clusters that get requests, each with its share where there are several."""
    parts = {each: f" {100 * share:.3g} %" for each, share in service.shares.items()}
    return ", ".join(f"{_of(service.clusters.get(each))}{parts.get(each, '')}" for each in service.answering)


def _of(cluster: ClusterState | None) -> str:
    return "nothing" if cluster is None else f"{cluster.id} ({cluster.version})"


def _pods(replicas: int | Autoscaling) -> str:
    if isinstance(replicas, Autoscaling):
        return str(replicas)
    return "1 pod" if replicas == 1 else f"{replicas} pods"


def _named(clusters: Mapping[str, ClusterState]) -> str:
    return listed([_of(each) for each in clusters.values()]) or "no cluster"
