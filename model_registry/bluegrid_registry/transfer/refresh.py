"""Refresh: protects objects that a push finds in the store from garbage collection until its commit.

Garbage collection deletes old objects that no version refers to. An object that is written again is new, and
safe until the push has ended, unless collection was just deleting it: the push checks this at its end.
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
"""Greatest age of a stored object on which a push relies. Garbage collection waits twice as long."""


@dataclass(frozen=True)
class Refresh:
    """Decides which objects a push of this version must write again."""

    store: Store
    set_id: str
    version_id: str
    published: Published
    """The version's earlier state in the store; its objects cannot be garbage."""
    written_anew: set[str] = field(default_factory=set)
    """Keys of existing objects that were written again."""

    def is_due(self, key: str, listed: StoredObject | None) -> bool:
        """Whether an existing object must be written again.

        Args:
            key: the object's key.
            listed: the object's row in a list; None: it is not listed.
        """
        if self.published.holds(key):
            return False
        try:
            objects = [listed] if listed else self.store.keys(key)
            return not any(stored.greatest_age < FRESH_FOR for stored in objects)
        except StoreError:
            # Credentials that can write are not always allowed to list.
            return True

    def check(self) -> None:
        """Raise ObjectMissing if collection has deleted a rewritten object; call this after the commit.

        After a later deletion, collection finds the commit, and puts the object back.
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
