"""Plans a prune: finds the objects that no version of a set needs. Nothing is written.

The roots are all commits of a set. A version that no given registry names any more first gets a tombstone
(`tombstone.py`). Its commit is deleted 30 days later, and the objects that no other version refers to another
day later, so that any update that started from the version has ended. Leftovers of killed pushes are deleted
after 30 days.

Times are by the store's clock: when the store wrote an object, and when it listed it. If this machine's clock
is behind the store's, this machine's counts; if it is ahead, nothing is deleted early.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from bluegrid_registry.errors import IntegrityError, ObjectMissing
from bluegrid_registry.formats import layout
from bluegrid_registry.formats.checksums import retry_once
from bluegrid_registry.formats.manifest import TYPICAL_MANIFEST_BYTES
from bluegrid_registry.formats.tombstone import Tombstone
from bluegrid_registry.maintenance.prune import PrunePlan, needs_of
from bluegrid_registry.stores.versions import read_commit
from bluegrid_registry.transfer.parallel import Job, in_parallel
from bluegrid_registry.transfer.refresh import FRESH_FOR

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from bluegrid_registry.formats.commit import Commit
    from bluegrid_registry.registry_files.registry import Registry
    from bluegrid_registry.stores import Store
    from bluegrid_registry.stores.base import StoredObject

T = TypeVar("T")

GRACE = 2 * FRESH_FOR
"""How long removed versions and leftovers of killed pushes are kept: 30 days."""

LAST_GRACE = timedelta(days=1)
"""How long the objects of a version are kept after its commit was deleted."""


def plan_prune(
    store: Store, set_id: str, registries: Sequence[Registry] = (), *, now: datetime | None = None
) -> PrunePlan:
    """Find the objects of a set that can be deleted.

    Args:
        store: the store.
        set_id: the model set.
        registries: the versions in them stay. Without any, no version counts as removed.
        now: the time, for tests; None: by the store's clock.

    Raises:
        IntegrityError, FormatError, ObjectMissing: a commit or a manifest cannot be read; its needs are then
            unknown.
        StoreError: the store refused or did not answer.
    """
    named = {
        version.id
        for registry in registries
        for file in registry.files
        if file.set.id == set_id
        for version in file.versions
    }
    return _Planner(store, set_id, named if registries else None, now).plan()


class _Removal(NamedTuple):
    """A removed version with its tombstone."""

    tombstone: Tombstone
    since: datetime
    """When the tombstone was last written, for the removal or the deletion; by the store's clock."""
    is_past: bool
    """Whether the version was pushed again after its commit was deleted."""


@dataclass
class _Review:
    """The decisions on removed versions; fields as in `PrunePlan`."""

    revived: list[str] = field(default_factory=list)
    waiting: dict[str, datetime] = field(default_factory=dict)
    expired: list[str] = field(default_factory=list)
    lifted: list[str] = field(default_factory=list)
    tombstones: list[Tombstone] = field(default_factory=list)


@dataclass(frozen=True)
class _Planner:
    store: Store
    set_id: str
    named: Collection[str] | None
    """Versions that a registry names; None: no registry was given."""
    at: datetime | None
    """The time, for tests; None: by the store's clock."""

    def plan(self) -> PrunePlan:
        with ThreadPoolExecutor(1) as pool:
            listing = pool.submit(self._leftovers)
            objects = {found.key: found for found in self.store.keys(layout.set_prefix(self.set_id))}
        leftovers = listing.result()
        now = self.at or next((found.clocks[0] for found in objects.values()), datetime.now(UTC))
        commits, removals = self._read(objects)
        needs = self._each(lambda version: self._needs(version, commits[version].manifest), commits)
        of_removed = self._each(lambda version: self._last_needs(removals[version].tombstone), removals)
        review = self._review(commits, removals, now)
        still = (needed for version, needed in of_removed.items() if version not in review.lifted)
        needed = frozenset().union(*needs.values(), *still)
        return PrunePlan(
            set=self.set_id,
            kept=len(commits) - len(review.waiting) - len(review.expired),
            revived=tuple(review.revived),
            waiting=review.waiting,
            expired=tuple(review.expired),
            lifted=tuple(review.lifted),
            tombstones=tuple(review.tombstones),
            garbage=tuple(found for found in objects.values() if self._is_garbage(found, needed)),
            leftovers=tuple(found for found in leftovers if self._age(found) > GRACE),
            known=frozenset(commits),
            needed=needed,
        )

    def _read(self, objects: Mapping[str, StoredObject]) -> tuple[dict[str, Commit], dict[str, _Removal]]:
        """Return commits and removals by version, from a listing of all objects."""
        removed = self._versions(objects, layout.tombstones_prefix(self.set_id))
        committed = self._versions(objects, layout.versions_prefix(self.set_id))
        commits = self._each(lambda version: read_commit(self.store, self.set_id, version), committed)
        removals = self._each(
            lambda version: self._removal(version, removed[version], committed.get(version)), removed
        )
        return commits, removals

    def _versions(self, objects: Mapping[str, StoredObject], prefix: str) -> dict[str, StoredObject]:
        """Return the objects whose keys begin with `prefix`, by version ID."""
        found = layout.versions_of(sorted(objects), prefix)
        return {version: objects[key] for version, key in found.items()}

    def _each(self, read: Callable[[str], T], versions: Iterable[str]) -> dict[str, T]:
        """Return the result of `read` for each version; several run at a time."""

        def job(version: str) -> Job[tuple[str, T]]:
            return Job(lambda: (version, read(version)), TYPICAL_MANIFEST_BYTES)

        return dict(sorted(in_parallel(map(job, versions)), key=lambda row: row[0]))

    def _removal(self, version: str, stored: StoredObject, commit: StoredObject | None) -> _Removal:
        key = layout.tombstone_key(self.set_id, version)
        try:
            tombstone = retry_once(lambda: Tombstone.from_bytes(self.store.get(key)))
        except IntegrityError as error:
            # Deleting the tombstone only makes the 30 days begin again.
            raise IntegrityError(f"set {self.set_id} version {version}: {error}; delete {key}") from None
        # With a test's time, the tombstone's own time counts: the store's clock does not follow the test.
        since = (tombstone.deleted or tombstone.found) if self.at else stored.modified
        is_past = tombstone.deleted is not None and commit is not None and commit.modified > since
        return _Removal(tombstone, since, is_past)

    def _review(
        self, commits: Mapping[str, Commit], removals: Mapping[str, _Removal], now: datetime
    ) -> _Review:
        review = _Review()
        for version, removal in removals.items():
            is_back = self.named is not None and version in self.named and version in commits
            is_over = removal.tombstone.deleted and now - removal.since > LAST_GRACE
            if is_back:
                review.revived.append(version)
            if is_back or (is_over and version not in commits):
                review.lifted.append(version)
        for version, commit in commits.items():
            if self.named is not None and version not in self.named:
                self._review_removed(review, commit, removals.get(version), now)
        return review

    def _review_removed(
        self, review: _Review, commit: Commit, removal: _Removal | None, now: datetime
    ) -> None:
        """Review a version that exists and is in no registry."""
        version, digest = commit.version, commit.manifest
        if removal is None or removal.is_past or removal.tombstone.manifest != digest:
            review.tombstones.append(Tombstone(set=self.set_id, version=version, manifest=digest, found=now))
            review.waiting[version] = now + GRACE
        elif not removal.tombstone.deleted and now - removal.since <= GRACE:
            review.waiting[version] = removal.since + GRACE
        else:
            review.tombstones.append(removal.tombstone.model_copy(update={"deleted": now}))
            review.expired.append(version)

    def _needs(self, version: str, digest: str) -> set[str]:
        return needs_of(self.store, self.set_id, version, digest)

    def _last_needs(self, tombstone: Tombstone) -> set[str]:
        """Return the objects that a removed version still needs; none once its manifest is deleted."""
        try:
            return self._needs(tombstone.version, tombstone.manifest)
        except ObjectMissing:
            return set()

    def _is_garbage(self, found: StoredObject, needed: Collection[str]) -> bool:
        is_of_versions = found.key.split("/")[2] in ("packs", "manifests")
        is_needed = layout.owner_of(found.key) in needed
        return is_of_versions and not is_needed and self._age(found) > GRACE

    def _age(self, found: StoredObject) -> timedelta:
        return self.at - found.modified if self.at else found.least_age

    def _leftovers(self) -> list[StoredObject]:
        """Return partial files of killed writers, and objects that probes were not allowed to delete."""
        prefix = layout.set_prefix(self.set_id)
        return [*self.store.leftovers(prefix), *self.store.keys(layout.PROBES_PREFIX)]
