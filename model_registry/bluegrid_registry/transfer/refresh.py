"""Refresh: objects that a push finds in the store and relies on must not be deleted before its commit.

Garbage collection deletes old objects that no version refers to. Written again, an object is new, and safe
until the push has ended; unless collection was just about to delete it, which the push checks at its end.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ObjectMissing, StoreError
from bluegrid_registry.transfer.parallel import Job, in_parallel

if TYPE_CHECKING:
    from bluegrid_registry.stores import Store
    from bluegrid_registry.stores.base import StoredObject
    from bluegrid_registry.transfer.already_stored import Published

FRESH_FOR = timedelta(days=15)
"""Age of a stored object up to which a push relies on it. Garbage collection waits twice as long."""


@dataclass(frozen=True)
class Refresh:
    """Which objects a push of this version must write again before it relies on them."""

    store: Store
    set_id: str
    version_id: str
    published: Published
    """What was there of the version before, which cannot be garbage."""
    written_anew: set[str] = field(default_factory=set)
    """Objects that were there and have been written once more."""

    def is_due(self, key: str, listed: StoredObject | None) -> bool:
        """Whether the object, which the push has found in the store, must be written again.

        Args:
            key: the object's key.
            listed: the object's row in a list; None: it is not listed.
        """
        if self.published.holds(key):
            return False
        try:
            found = [listed] if listed else self.store.keys(key)
            return not any(each.greatest_age < FRESH_FOR for each in found)
        except StoreError:
            # Credentials that can write are not always allowed to list.
            return True

    def check(self) -> None:
        """Raise ObjectMissing if collection has deleted what was written again; call it after the commit.

        After a later delete, collection finds the commit, and puts the object back.
        """
        jobs = (Job(functools.partial(self.store.get_range, key, 0, 1), 1) for key in self.written_anew)
        try:
            for _ in in_parallel(jobs):
                pass
        except ObjectMissing as error:
            place = f"set {self.set_id} version {self.version_id}"
            raise ObjectMissing(
                f"{place}: {error}: garbage collection deleted it meanwhile; push it again"
            ) from None
