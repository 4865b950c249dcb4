"""Renewal: what a push finds in the store and relies on must not go before its commit.

Garbage collection takes old objects that no version refers to. Written anew, an object is new again, and safe
until the push has ended; unless collection was just about to delete it, which the push looks for at its end.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from model_registry.errors import ObjectMissing, StoreError
from model_registry.formats.layout import manifest_key, pack_key
from model_registry.transfer.parallel import Job, in_parallel
from model_registry.transfer.reading import read_commit, read_manifest

if TYPE_CHECKING:
    from model_registry.stores import Store

FRESH_FOR = timedelta(days=15)
"""Half of the time after which garbage collection takes what nothing refers to."""


@dataclass(frozen=True)
class Renewal:
    """Which objects a push of this version must write anew before it relies on them."""

    store: Store
    set_id: str
    version_id: str
    written_anew: set[str] = field(default_factory=set)
    """Objects that were there and have been written once more."""

    def is_due(self, key: str) -> bool:
        """Whether the object, which the push has found in the store, is to be written anew."""
        now = datetime.now(UTC)
        try:
            is_fresh = any(now - found.modified < FRESH_FOR for found in self.store.keys(key))
        except StoreError:
            # Who may write may not always list.
            is_fresh = False
        return not is_fresh and key not in self._published

    def check(self) -> None:
        """Raise ObjectMissing if collection has deleted what was written anew; to be called after the commit.

        What it deletes later, it finds the commit for, and puts back.
        """
        jobs = (Job(functools.partial(self.store.get_range, key, 0, 1), 1) for key in self.written_anew)
        try:
            for _ in in_parallel(jobs):
                pass
        except ObjectMissing as error:
            place = f"set {self.set_id} version {self.version_id}"
            raise ObjectMissing(
                f"{place}: {error}: garbage collection took it meanwhile; push it again"
            ) from None

    @functools.cached_property
    def _published(self) -> frozenset[str]:
        """What the version refers to, if it has been published before: that is no garbage."""
        try:
            digest = read_commit(self.store, self.set_id, self.version_id).manifest
        except ObjectMissing:
            return frozenset()
        manifest = read_manifest(self.store, self.set_id, self.version_id, digest)
        packs = (pack_key(self.set_id, pack.name) for pack in manifest.packs)
        return frozenset([manifest_key(self.set_id, digest), *packs])
