"""A service before and after an update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bluegrid.states.services import ClusterState, ServiceState


@dataclass(frozen=True)
class ServiceChange:
    """A service before and after an update.

    Attributes:
        before: None: the service is new.
        after: None: the service is deleted.
    """

    before: ServiceState | None
    after: ServiceState | None

    @property
    def name(self) -> str:
        """Name of the service."""
        return self._either.name

    @property
    def set(self) -> str:
        """ID of its model set."""
        return self._either.set

    @property
    def switch(self) -> tuple[ClusterState, ClusterState] | None:
        """The cluster that is live and the cluster that will be; None if live stays."""
        if self.before is None or self.after is None or self.before.live == self.after.live:
            return None
        old, new = self._live_before, self._live_after
        return None if old is None or new is None else (old, new)

    @property
    def compared(self) -> tuple[ClusterState, ClusterState] | None:
        """The live cluster and one that newly gets requests, for a comparison of their versions."""
        if self.switch is not None or self.before is None or self.after is None:
            return self.switch
        new = [each for each in self.after.answering if each not in self.before.answering]
        old, first = self._live_before, self.clusters_after.get(new[0]) if new else None
        return None if old is None or first is None else (old, first)

    @property
    def brought(self) -> list[tuple[ClusterState, ClusterState]]:
        """The live cluster, with the first cluster of each version that is new in the service."""
        old, known = self._live_before, {each.version for each in self.clusters_before.values()}
        if old is None or self.is_of_another_set:
            return []
        first: dict[str, ClusterState] = {}
        for each in self.clusters_after.values():
            if each.version not in known:
                first.setdefault(each.version, each)
        return [(old, each) for each in first.values()]

    @property
    def is_nothing(self) -> bool:
        """Whether the service does not change."""
        return self.before == self.after

    @property
    def is_rerouted(self) -> bool:
        """Whether other clusters than before get requests, or other shares."""
        if self.before is None or self.after is None:
            return False
        return (self.before.live, self.before.shares) != (self.after.live, self.after.shares)

    @property
    def is_of_another_set(self) -> bool:
        """Whether the service changes to another model set."""
        return self.before is not None and self.after is not None and self.before.set != self.after.set

    @property
    def loses_its_url(self) -> bool:
        """Whether the service has a live route, and will have none."""
        return (
            self.before is not None
            and self.before.live is not None
            and (self.after is None or self.after.live is None)
        )

    @property
    def clusters_before(self) -> Mapping[str, ClusterState]:
        """The service's clusters before, by ID; empty: the service is new."""
        return self.before.clusters if self.before else {}

    @property
    def clusters_after(self) -> Mapping[str, ClusterState]:
        """The service's clusters after, by ID; empty: the service is deleted."""
        return self.after.clusters if self.after else {}

    @property
    def _either(self) -> ServiceState:
        state = self.after or self.before
        assert state is not None  # noqa: S101 - a change is of something
        return state

    @property
    def _live_before(self) -> ClusterState | None:
        return self.clusters_before.get(self.before.live or "") if self.before else None

    @property
    def _live_after(self) -> ClusterState | None:
        return self.clusters_after.get(self.after.live or "") if self.after else None


def changes_between(
    before: Mapping[str, ServiceState], after: Mapping[str, ServiceState]
) -> list[ServiceChange]:
    """Return each service before and after, sorted by name; also services that do not change."""
    return [ServiceChange(before.get(name), after.get(name)) for name in sorted({*before, *after})]


def is_republished(old: ClusterState, new: ClusterState) -> bool:
    """Whether a cluster keeps its version's ID, and the version gets other models."""
    are_known = bool(old.manifest and new.manifest)
    return are_known and old.version == new.version and old.manifest != new.manifest
