"""Garbage collection, beside writers and readers: what no version needs goes, late and carefully.

The roots are all commits of a set. A version that no given registry names any more is first only noted
(`tombstone.py`); 30 days later its commit goes, and another day later what no other version refers to,
so that an update which began from it has ended. What killed pushes have left behind goes after 30 days.

All times are the store's: when it has written an object, and when it has listed it. Where this machine's
clock is behind, by that one; where it is ahead, nothing is deleted early.

Against a push that finds such an object and relies on it: push writes anew what it finds there and is older
than `FRESH_FOR`, and collection asks for the time of writing right before it deletes, and looks for
new commits right after. If one needs what has just been deleted, it is put back. Until that is known, a copy
lies aside in the store: where collection is killed meanwhile, the next one puts it back. A push that commits
later still looks whether what it has written anew is there.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from bluegrid_registry.errors import IntegrityError, ObjectMissing
from bluegrid_registry.formats import layout
from bluegrid_registry.formats.checksums import Checksum
from bluegrid_registry.formats.tombstone import Tombstone
from bluegrid_registry.stores.versions import read_commit, read_manifest, retry_once
from bluegrid_registry.transfer.parallel import Job, in_parallel

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from bluegrid_registry.formats.commit import Commit
    from bluegrid_registry.registry_files.registry import Registry
    from bluegrid_registry.stores import Store
    from bluegrid_registry.stores.base import StoredObject

T = TypeVar("T")

GRACE = timedelta(days=30)
"""How long a removed version, or what a killed push has left behind, is kept."""

LAST_GRACE = timedelta(days=1)
"""How long what a version refers to is kept after its commit has gone."""


_MANIFEST_BYTES = 8 * 2**20
"""What a manifest takes in memory; near enough to plan with."""


class _Note(NamedTuple):
    removal: Tombstone
    since: datetime
    """When it was written, of the removal or of the delete: by the store's clock."""
    is_past: bool
    """The commit was deleted, and the version has been pushed again since."""


@dataclass(frozen=True)
class GarbageReport:
    """What garbage collection did, or would do; versions and objects by name, with dates where they wait."""

    set: str
    applied: bool
    """False: a dry run, in which nothing was written."""
    versions: int
    """Versions that are kept because a registry names them, or none was given."""
    revived: tuple[str, ...]
    """Versions that had been removed and are named again."""
    waiting: Mapping[str, datetime]
    """Removed versions, and when they may go."""
    expired: tuple[str, ...]
    """Removed versions whose commits go now; their objects go a day later."""
    deleted: tuple[str, ...]
    """Objects that no version needs."""
    deleted_bytes: int


def collect_garbage(
    store: Store,
    set_id: str,
    registries: Sequence[Registry] = (),
    *,
    apply: bool = False,
    now: datetime | None = None,
) -> GarbageReport:
    """Find what no version of a set needs, and delete it.

    Args:
        store: the store.
        set_id: the model set.
        registries: what they name is never touched. None: no version is taken for removed.
        apply: delete; else only say what would be.
        now: the time, for tests; None: by the store's clock.

    Raises:
        IntegrityError, FormatError, ObjectMissing: a commit or a manifest cannot be read, so that nobody
            knows what it needs: nothing is deleted.
        StoreError: the store refused or did not answer.
    """
    named = {
        version.id
        for registry in registries
        for file in registry.files
        if file.set.id == set_id
        for version in file.versions
    }
    return _Collection(store, set_id, named if registries else None, apply, now).run()


@dataclass
class _Collection:
    store: Store
    set_id: str
    named: Collection[str] | None
    """Versions that a registry names; None: no registry was given."""
    apply: bool
    at: datetime | None
    """The time, for tests; None: by the store's clock."""
    needed: set[str] = field(default_factory=set)
    """Keys of what a version needs, as far as is known."""
    known: set[str] = field(default_factory=set)
    """Versions whose needs are in `needed`."""

    def run(self) -> GarbageReport:
        with ThreadPoolExecutor(1) as pool:
            leftovers = pool.submit(self._leftovers)
            objects = self._objects()
        if self.apply and self._put_back(objects):
            objects = self._objects()
        now = self.at or next((found.clocks[0] for found in objects.values()), datetime.now(UTC))
        commits, notes = self._read(objects)
        # All of it is read before anything is written: a set that cannot be read whole is left alone.
        needs = self._each(lambda version: self._needs(version, commits[version].manifest), commits)
        of_notes = self._each(lambda version: self._needs_of_note(version, notes[version].removal), notes)
        revived, waiting, expired = self._review(commits, notes, now)
        self.known = set(commits)
        self.needed = set().union(*needs.values(), *(of_notes.get(version, ()) for version in notes))
        garbage = [
            found
            for key, found in objects.items()
            if key.split("/")[2] in ("packs", "manifests")
            and layout.signed_manifest(key) not in self.needed
            and self._age(found) > GRACE
        ]
        deleted = [found for found in garbage if not self.apply or self._delete(found)]
        old = [found for found in leftovers.result() if self._age(found) > GRACE]
        for found in old if self.apply else ():
            self.store.delete(found.key)
        deleted += old
        return GarbageReport(
            set=self.set_id,
            applied=self.apply,
            versions=len(commits) - len(waiting) - len(expired),
            revived=revived,
            waiting=waiting,
            expired=expired,
            deleted=tuple(found.key for found in deleted),
            deleted_bytes=sum(found.size for found in deleted),
        )

    def _read(self, objects: Mapping[str, StoredObject]) -> tuple[dict[str, Commit], dict[str, _Note]]:
        """Return the commits and the notes of a list of everything, by version."""
        noted, committed = self._versions(objects, "removed"), self._versions(objects, "versions")
        commits = self._each(lambda version: read_commit(self.store, self.set_id, version), committed)
        notes = self._each(lambda version: self._note(version, noted[version], committed.get(version)), noted)
        return commits, notes

    def _each(self, read: Callable[[str], T], versions: Iterable[str]) -> dict[str, T]:
        """Return what is read of each version, several at a time."""

        def job(version: str) -> Job[tuple[str, T]]:
            return Job(lambda: (version, read(version)), _MANIFEST_BYTES)

        return dict(sorted(in_parallel(map(job, versions)), key=lambda row: row[0]))

    def _age(self, found: StoredObject) -> timedelta:
        return self.at - found.modified if self.at else found.least_age

    def _objects(self) -> dict[str, StoredObject]:
        return {found.key: found for found in self.store.keys(layout.set_prefix(self.set_id))}

    def _put_back(self, objects: Collection[str]) -> bool:
        """Undo the delete at which an earlier collection was killed; whether there was one.

        Nobody knows what needs it until it is there: it may be a manifest.
        """
        prefix = layout.copies_prefix(self.set_id)
        copies = [key for key in objects if key.startswith(prefix)]
        for copy in copies:
            key = layout.set_prefix(self.set_id) + copy.removeprefix(prefix)
            if key not in objects:
                data = self.store.get(copy)
                self.store.put(key, data, Checksum.of(data))
            self.store.delete(copy)
        return bool(copies)

    def _versions(self, objects: Mapping[str, StoredObject], folder: str) -> dict[str, StoredObject]:
        """Return the objects of the set's folder `versions` or `removed`, by the version that they name."""
        prefix = f"{layout.set_prefix(self.set_id)}{folder}/"
        return {
            key.removeprefix(prefix).removesuffix(".json"): found
            for key, found in sorted(objects.items())
            if key.startswith(prefix)
        }

    def _note(self, version: str, stored: StoredObject, commit: StoredObject | None) -> _Note:
        key = layout.removal_key(self.set_id, version)
        try:
            note = retry_once(lambda: Tombstone.from_bytes(self.store.get(key)))
        except IntegrityError as error:
            # Without the note the 30 days begin anew, and nothing else happens.
            raise IntegrityError(f"set {self.set_id} version {version}: {error}; delete {key}") from None
        # Where the time is a test's, the note has it: the store's clock has gone on by itself.
        since = (note.deleted or note.found) if self.at else stored.modified
        is_past = note.deleted is not None and commit is not None and commit.modified > since
        return _Note(note, since, is_past)

    def _review(
        self, commits: Mapping[str, Commit], notes: dict[str, _Note], now: datetime
    ) -> tuple[tuple[str, ...], dict[str, datetime], tuple[str, ...]]:
        """Bring the notes up to date; return which versions are revived, waiting and expired."""
        revived, waiting, expired = [], {}, []
        for version, note in list(notes.items()):
            is_back = self.named is not None and version in self.named and version in commits
            is_over = note.removal.deleted and now - note.since > LAST_GRACE and version not in commits
            if is_back or is_over:
                revived.extend([version] if is_back else [])
                del notes[version]
                if self.apply:
                    self.store.delete(layout.removal_key(self.set_id, version))
        for version, commit in commits.items():
            if self.named is None or version in self.named:
                continue
            noted = notes.get(version)
            if noted is None or noted.is_past or noted.removal.manifest != commit.manifest:
                self._write(Tombstone(set=self.set_id, version=version, manifest=commit.manifest, found=now))
                waiting[version] = now + GRACE
            elif not noted.removal.deleted and now - noted.since <= GRACE:
                waiting[version] = noted.since + GRACE
            else:
                expired.append(version)
                self._write(noted.removal.model_copy(update={"deleted": now}))
                if self.apply:
                    self.store.delete(layout.version_key(self.set_id, version))
        return tuple(revived), waiting, tuple(expired)

    def _write(self, note: Tombstone) -> None:
        if self.apply:
            data = note.to_bytes()
            self.store.put(layout.removal_key(note.set, note.version), data, Checksum.of(data))

    def _needs(self, version: str, digest: str) -> set[str]:
        manifest = read_manifest(self.store, self.set_id, version, digest)
        return {
            layout.manifest_key(self.set_id, digest),
            *(layout.pack_key(self.set_id, pack.name) for pack in manifest.packs),
        }

    def _needs_of_note(self, version: str, note: Tombstone) -> set[str]:
        try:
            return self._needs(version, note.manifest)
        except ObjectMissing:
            return set()

    def _delete(self, found: StoredObject) -> bool:
        """Delete the object, unless it has come to be needed; whether it is gone."""
        if self._is_needed_by_now(found.key):
            return False
        data, copy = self.store.get(found.key), layout.copy_key(found.key)
        self.store.put(copy, data, Checksum.of(data))
        # Otherwise a push has written it anew, and may be about to rely on it.
        is_old = [now.modified for now in self.store.keys(found.key)] == [found.modified]
        if is_old:
            self.store.delete(found.key)
            if self._is_needed_by_now(found.key):
                self.store.put(found.key, data, Checksum.of(data))
                is_old = False
        self.store.delete(copy)
        return is_old

    def _leftovers(self) -> list[StoredObject]:
        """Return what killed writers have left of files, and what probes were not allowed to delete."""
        prefix = layout.set_prefix(self.set_id)
        return [*self.store.leftovers(prefix), *self.store.keys(layout.PROBES_PREFIX)]

    def _is_needed_by_now(self, key: str) -> bool:
        prefix = f"{layout.set_prefix(self.set_id)}versions/"
        for version in self._versions({found.key: found for found in self.store.keys(prefix)}, "versions"):
            if version not in self.known:
                digest = read_commit(self.store, self.set_id, version).manifest
                if key == layout.manifest_key(self.set_id, digest):
                    # It may just have been deleted: what it says is read once it is back.
                    return True
                self.needed |= self._needs(version, digest)
                self.known.add(version)
        return layout.signed_manifest(key) in self.needed
