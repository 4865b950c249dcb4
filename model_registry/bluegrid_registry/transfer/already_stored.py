"""Looks up a version in the store before it is pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.errors import FormatError, IntegrityError, ObjectMissing
from bluegrid_registry.formats.layout import manifest_key, pack_key
from bluegrid_registry.stores.versions import read_commit, read_manifest

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from bluegrid_registry.formats.commit import Commit
    from bluegrid_registry.formats.manifest import Manifest
    from bluegrid_registry.stores import Store


class Published:
    """The version's state in the store; requests start at once, and properties wait for them.

    Each property raises the errors of reading: StoreError if the store refuses or does not answer,
    IntegrityError if the commit is damaged.
    """

    def __init__(self, store: Store, set_id: str, version_id: str, pool: ThreadPoolExecutor) -> None:
        self._store, self._set, self._version = store, set_id, version_id
        self._commit = pool.submit(self._read_commit)
        # Both get a thread of the pool before any job that waits for them.
        self._manifest = pool.submit(self._read_manifest)

    @property
    def commit(self) -> Commit | None:
        """The version's commit; None: the version is not published."""
        return self._commit.result()

    def is_found(self, *, wait: bool) -> bool:
        """Whether the version is published.

        Args:
            wait: whether to wait for the response; without it, False means that nothing was found so far.
        """
        return (wait or self._commit.done()) and self.commit is not None

    @property
    def manifest(self) -> Manifest | None:
        """The version's manifest; None: the version is not published, or the manifest is damaged or lost."""
        return self._manifest.result()

    def holds(self, key: str) -> bool:
        """Whether the version refers to this object, so that it cannot be garbage."""
        manifest, commit = self.manifest, self.commit
        if manifest is None or commit is None:
            return False
        packs = (pack_key(self._set, pack.name) for pack in manifest.packs)
        return key == manifest_key(self._set, commit.manifest) or key in packs

    def takes(self, key: str) -> bool:
        """Whether a push may write this object: if the version exists, only objects that belong to it."""
        return self.commit is None or self.manifest is None or self.holds(key)

    def _read_commit(self) -> Commit | None:
        try:
            return read_commit(self._store, self._set, self._version)
        except ObjectMissing:
            return None

    def _read_manifest(self) -> Manifest | None:
        commit = self._commit.result()
        if commit is None:
            return None
        try:
            return read_manifest(self._store, self._set, self._version, commit.manifest)
        except (FormatError, IntegrityError, ObjectMissing):
            # A push of the same models replaces the manifest; a push of other models is refused at its end.
            return None
