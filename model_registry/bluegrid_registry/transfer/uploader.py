"""Sending: making sure that the store holds an object; what is there already is not sent again.

What is there is read back before anything relies on it, and replaced where it is damaged: an object's key is
the digest of its bytes, so replacing is safe. Whether to look at all, a list tells that is asked for once; it
is a hint, and what it leaves out or makes up costs time and nothing else. The first pack and the manifest do
not wait for it: they are sent, and refused by the store where they are there. Of a version that has been
published before, everything is looked for first, and nothing is sent that it does not refer to.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ObjectExists, ObjectMissing, StoreError
from bluegrid_registry.formats.layout import packs_prefix
from bluegrid_registry.stores.base import StoredObject
from bluegrid_registry.stores.versions import retry_once

if TYPE_CHECKING:
    from bluegrid_registry.formats.checksums import Checksum
    from bluegrid_registry.stores import Store
    from bluegrid_registry.transfer.refresh import Refresh

LISTED = 1000
"""Packs that are looked for in one list; S3 answers so many at once."""

_COMPARED_BYTES = 20 * 2**20
"""How much of a stored object is held beside what it is compared with: nearly every pack is read at once."""


class UploadOutcome(Enum):
    """What became of an object."""

    SENT = auto()
    HEALED = auto()
    """It was there, and damaged."""
    THERE = auto()
    HELD_BACK = auto()
    """It is not there, and not of the version that was published before."""


There = Callable[[], Mapping[str, StoredObject] | None]
"""Returns what is in the store, by key, or None where nobody knows; may wait for the list."""


def packs_there(store: Store, set_id: str) -> Mapping[str, StoredObject] | None:
    """Return a set's packs, by one list; None: nobody knows."""
    try:
        listed = list(itertools.islice(store.keys(packs_prefix(set_id)), LISTED))
    except StoreError:
        # Who may write may not always list.
        return None
    return {found.key: found for found in listed} if len(listed) < LISTED else None


def ensure(
    refresh: Refresh,
    key: str,
    data: bytes,
    checksum: Checksum,
    there: There = dict,
) -> UploadOutcome:
    """Make sure that the store holds `data`, whose digest its key names."""
    store, published = refresh.store, refresh.published
    listed = there()
    if published.commit is None and listed is not None and key not in listed:
        try:
            retry_once(lambda: store.put(key, data, checksum, replace=False))
        except ObjectExists:
            pass
        else:
            return UploadOutcome.SENT
    try:
        is_same = _holds(store, key, data)
    except ObjectMissing:
        if not published.takes(key):
            return UploadOutcome.HELD_BACK
        outcome = UploadOutcome.SENT
    else:
        if is_same and not refresh.is_due(key, (listed or {}).get(key)):
            return UploadOutcome.THERE
        outcome = UploadOutcome.SENT if is_same else UploadOutcome.HEALED
        refresh.written_anew.add(key)
    retry_once(lambda: store.put(key, data, checksum))
    return outcome


def _holds(store: Store, key: str, data: bytes) -> bool:
    """Whether the store's object is `data`, compared piece by piece; ObjectMissing when there is none."""
    view = memoryview(data)
    for start in range(0, len(data), _COMPARED_BYTES):
        piece = view[start : start + _COMPARED_BYTES]
        # One byte more than there should be: an object that goes on is another one.
        expected = len(piece) + (start + len(piece) < len(data))
        stored = store.get_range(key, start, len(piece) + 1)
        if len(stored) != expected or not stored.startswith(piece):
            return False
    return True
