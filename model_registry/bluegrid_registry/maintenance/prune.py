"""A prune plan: the objects of a set to delete. It can be shown, kept as JSON, or executed.

`prune_planner.plan_prune` makes the plan, and writes nothing. Pushes may run while a plan is executed. A push
that finds an object older than `FRESH_FOR` in the store writes it again. Execution checks the time of writing
right before it deletes an object, and looks for new commits right after. If one needs the object, the object
is put back. Until then, a copy is kept in the store: if execution is killed, the next collection puts the
object back (`put_back_interrupted`). A push that commits later checks that the objects that it has written
again still exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid_registry.formats import layout
from bluegrid_registry.formats.checksums import Checksum
from bluegrid_registry.stores.versions import read_commit, read_manifest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from bluegrid_registry.formats.tombstone import Tombstone
    from bluegrid_registry.stores import Store
    from bluegrid_registry.stores.base import StoredObject


@dataclass(frozen=True)
class GarbageReport:
    """The result of garbage collection, or of a dry run; versions and objects by name."""

    set: str
    applied: bool
    """False: a dry run; nothing was written."""
    versions: int
    """Number of versions that are kept: a registry names them, or no registry was given."""
    revived: tuple[str, ...]
    """Versions that were removed from the registries and are back in one."""
    waiting: Mapping[str, datetime]
    """Removed versions, and the time from which they may be deleted."""
    expired: tuple[str, ...]
    """Removed versions whose commits are deleted now; their objects follow a day later."""
    deleted: tuple[str, ...]
    """Keys of the objects that no version needs."""
    deleted_bytes: int


@dataclass(frozen=True)
class PrunePlan:
    """Deletions in a set; `execute` the plan soon: it does not know rows added to a registry meanwhile."""

    set: str
    kept: int
    """Number of versions that are kept: a registry names them, or no registry was given."""
    revived: tuple[str, ...]
    """Versions that were removed from the registries and are back in one."""
    waiting: Mapping[str, datetime]
    """Removed versions, and the time from which they may be deleted."""
    expired: tuple[str, ...]
    """Removed versions whose commits are to be deleted."""
    lifted: tuple[str, ...]
    """Versions whose tombstones are to be deleted: a registry names them again, or their objects are gone."""
    tombstones: tuple[Tombstone, ...]
    """Tombstones to write. After one with a time of deletion, the version's commit is deleted."""
    garbage: tuple[StoredObject, ...]
    """Packs, manifests and signatures that no version needs, old enough to be deleted."""
    leftovers: tuple[StoredObject, ...]
    """Leftovers of killed writers, old enough to be deleted."""
    known: frozenset[str]
    """Versions whose needed objects are in `needed`."""
    needed: frozenset[str]
    """Keys of the objects that these versions, and versions with tombstones, need."""

    @property
    def report(self) -> GarbageReport:
        """The report of a dry run."""
        return self._report(self.garbage, applied=False)

    def execute(self, store: Store) -> GarbageReport:
        """Execute the plan; objects that are needed by now stay, and are not in the report.

        The process may be killed at any point, and pushes and fetches may run meanwhile.

        Args:
            store: the store of which the plan was made.

        Raises:
            IntegrityError, FormatError, ObjectMissing: a commit or a manifest that was pushed meanwhile
                cannot be read: nothing more is deleted.
            StoreError: the store refused or did not answer.
        """
        for version in self.lifted:
            store.delete(layout.tombstone_key(self.set, version))
        for tombstone in self.tombstones:
            _put(store, layout.tombstone_key(self.set, tombstone.version), tombstone.to_bytes())
            if tombstone.deleted:
                store.delete(layout.version_key(self.set, tombstone.version))
        needs = _Needs(store, self.set, self.known, self.needed)
        deleted = [found for found in self.garbage if _delete(store, found, needs)]
        for found in self.leftovers:
            store.delete(found.key)
        return self._report(deleted, applied=True)

    def _report(self, garbage: Iterable[StoredObject], *, applied: bool) -> GarbageReport:
        deleted = [*garbage, *self.leftovers]
        return GarbageReport(
            set=self.set,
            applied=applied,
            versions=self.kept,
            revived=self.revived,
            waiting=self.waiting,
            expired=self.expired,
            deleted=tuple(found.key for found in deleted),
            deleted_bytes=sum(found.size for found in deleted),
        )


class _Needs:
    """Objects that versions need, including versions committed while a plan is executed."""

    def __init__(self, store: Store, set_id: str, known: Collection[str], needed: Collection[str]) -> None:
        self._store, self._set = store, set_id
        self._known, self._needed = {*known}, {*needed}

    def now(self, key: str) -> bool:
        """Look for new commits; return True if a version needs the object."""
        listed = (found.key for found in self._store.keys(layout.versions_prefix(self._set)))
        for version in layout.versions_of(listed, layout.versions_prefix(self._set)):
            if version not in self._known:
                digest = read_commit(self._store, self._set, version).manifest
                if key == layout.manifest_key(self._set, digest):
                    # The manifest may just have been deleted; it is read after it was put back.
                    return True
                self._needed |= needs_of(self._store, self._set, version, digest)
                self._known.add(version)
        return layout.owner_of(key) in self._needed


def needs_of(store: Store, set_id: str, version: str, digest: str) -> set[str]:
    """Return the keys of the objects that a version needs: its manifest and the packs in it.

    Raises:
        ObjectMissing, IntegrityError, FormatError: as `read_manifest`.
    """
    manifest = read_manifest(store, set_id, version, digest)
    packs = (layout.pack_key(set_id, pack.name) for pack in manifest.packs)
    return {layout.manifest_key(set_id, digest), *packs}


def _delete(store: Store, found: StoredObject, needs: _Needs) -> bool:
    """Delete the object unless it is needed by now; return True if it is gone."""
    if needs.now(found.key):
        return False
    data, copy = store.get(found.key), layout.copy_key(found.key)
    _put(store, copy, data)
    # A different time means that a push has written the object again, and may rely on it.
    is_old = [now.modified for now in store.keys(found.key)] == [found.modified]
    if is_old:
        store.delete(found.key)
        if needs.now(found.key):
            _put(store, found.key, data)
            is_old = False
    store.delete(copy)
    return is_old


def put_back_interrupted(store: Store, set_id: str) -> None:
    """Restore objects whose deletion an earlier execution did not finish; call it before the next plan.

    They may be manifests: until these are back, the needed objects are not known.
    """
    prefix = layout.copies_prefix(set_id)
    for copy in [found.key for found in store.keys(prefix)]:
        key = layout.set_prefix(set_id) + copy.removeprefix(prefix)
        if not any(found.key == key for found in store.keys(key)):
            _put(store, key, store.get(copy))
        store.delete(copy)


def _put(store: Store, key: str, data: bytes) -> None:
    store.put(key, data, Checksum.of(data))
