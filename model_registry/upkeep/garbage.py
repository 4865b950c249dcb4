"""Garbage collection, beside writers and readers: what no version needs goes, late and carefully.

The roots are all commits of a set. A version that no given registry names any more is first only noted
(`formats/removal.py`); 30 days later its commit goes, and another day later what no other version refers to,
so that an update which began from it has ended. What killed pushes have left behind goes after 30 days.

Against a push that finds such an object and relies on it: push writes anew what it finds there and is older
than `renewal.FRESH_FOR`, and collection asks for the time of writing right before it deletes, and looks for
new commits right after. If one needs what has just been deleted, it is put back. Until that is known, a copy
lies aside in the store: where collection is killed meanwhile, the next one puts it back. A push that commits
later still looks whether what it has written anew is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from model_registry.errors import IntegrityError, ObjectMissing
from model_registry.formats import layout
from model_registry.formats.checksums import Checksum
from model_registry.formats.removal import Removal
from model_registry.transfer.reading import read_commit, read_manifest, twice

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from model_registry.formats.commit import Commit
    from model_registry.registry_files.registry import Registry
    from model_registry.stores import Store
    from model_registry.stores.base import StoredObject

GRACE = timedelta(days=30)
"""How long a removed version, or what a killed push has left behind, is kept."""

LAST_GRACE = timedelta(days=1)
"""How long what a version refers to is kept after its commit has gone."""


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
        now: the time, for tests; None: by this machine's clock.

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
    return _Collection(store, set_id, named if registries else None, apply, now or datetime.now(UTC)).run()


@dataclass
class _Collection:
    store: Store
    set_id: str
    named: Collection[str] | None
    """Versions that a registry names; None: no registry was given."""
    apply: bool
    now: datetime
    needed: set[str] = field(default_factory=set)
    """Keys of what a version needs, as far as is known."""
    known: set[str] = field(default_factory=set)
    """Versions whose needs are in `needed`."""

    def run(self) -> GarbageReport:
        objects = self._objects()
        if self.apply and self._put_back(objects):
            objects = self._objects()
        commits = {
            version: read_commit(self.store, self.set_id, version) for version in self._versions("versions")
        }
        notes = {version: self._note(version) for version in self._versions("removed")}
        # All of it is read before anything is written: a set that cannot be read whole is left alone.
        needs = {version: self._needs(version, commit.manifest) for version, commit in commits.items()}
        of_notes = {version: self._needs_of_note(version, note) for version, note in notes.items()}
        revived, waiting, expired = self._review(commits, notes)
        self.known = set(commits)
        self.needed = set().union(*needs.values(), *(of_notes.get(version, ()) for version in notes))
        garbage = [
            found
            for key, found in objects.items()
            if key.split("/")[2] in ("packs", "manifests")
            and layout.signed_manifest(key) not in self.needed
            and self.now - found.modified > GRACE
        ]
        deleted = [found for found in garbage if not self.apply or self._delete(found)]
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

    def _versions(self, folder: str) -> list[str]:
        prefix = f"{layout.set_prefix(self.set_id)}{folder}/"
        keys = sorted(found.key for found in self.store.keys(prefix))
        return [key.removeprefix(prefix).removesuffix(".json") for key in keys]

    def _note(self, version: str) -> Removal:
        key = layout.removal_key(self.set_id, version)
        try:
            return twice(lambda: Removal.from_bytes(self.store.get(key)))
        except IntegrityError as error:
            # Without the note the 30 days begin anew, and nothing else happens.
            raise IntegrityError(f"set {self.set_id} version {version}: {error}; delete {key}") from None

    def _review(
        self, commits: Mapping[str, Commit], notes: dict[str, Removal]
    ) -> tuple[tuple[str, ...], dict[str, datetime], tuple[str, ...]]:
        """Bring the notes up to date; return which versions are revived, waiting and expired."""
        revived, waiting, expired = [], {}, []
        for version, noted in list(notes.items()):
            is_back = self.named is not None and version in self.named and version in commits
            is_over = noted.deleted and self.now - noted.deleted > LAST_GRACE and version not in commits
            if is_back or is_over:
                revived.extend([version] if is_back else [])
                del notes[version]
                if self.apply:
                    self.store.delete(layout.removal_key(self.set_id, version))
        for version, commit in commits.items():
            if self.named is None or version in self.named:
                continue
            note = notes.get(version)
            if note is None or note.manifest != commit.manifest:
                note = Removal(set=self.set_id, version=version, manifest=commit.manifest, found=self.now)
                self._write(note)
            if self.now - note.found <= GRACE:
                waiting[version] = note.found + GRACE
            else:
                expired.append(version)
                note = note.model_copy(update={"deleted": self.now})
                self._write(note)
                if self.apply:
                    self.store.delete(layout.version_key(self.set_id, version))
            notes[version] = note
        return tuple(revived), waiting, tuple(expired)

    def _write(self, note: Removal) -> None:
        if self.apply:
            data = note.to_bytes()
            self.store.put(layout.removal_key(note.set, note.version), data, Checksum.of(data))

    def _needs(self, version: str, digest: str) -> set[str]:
        manifest = read_manifest(self.store, self.set_id, version, digest)
        return {
            layout.manifest_key(self.set_id, digest),
            *(layout.pack_key(self.set_id, pack.name) for pack in manifest.packs),
        }

    def _needs_of_note(self, version: str, note: Removal) -> set[str]:
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

    def _is_needed_by_now(self, key: str) -> bool:
        for version in self._versions("versions"):
            if version not in self.known:
                digest = read_commit(self.store, self.set_id, version).manifest
                if key == layout.manifest_key(self.set_id, digest):
                    # It may just have been deleted: what it says is read once it is back.
                    return True
                self.needed |= self._needs(version, digest)
                self.known.add(version)
        return layout.signed_manifest(key) in self.needed
