"""Early packs: copies of a small version's packs, under keys that follow from the manifest's digest.

    sets/<set>/manifests/<sha256>.models.mpk      a copy of the version's only pack of models
    sets/<set>/manifests/<sha256>.examples.mpk    a copy of its only pack of recorded examples

A reader that knows only the digest requests the copies beside the manifest, not packs after it: a fetch of a
small version waits for one connection and one round trip. The store makes the copies beside the commit of a
push, so no byte is sent twice. Nothing relies on a copy: if one is missing or damaged, its pack is fetched,
as by releases that do not know copies; and whatever a copy holds, each model must have the manifest's
SHA-256.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from bluegrid_registry.errors import StoreError
from bluegrid_registry.formats.layout import early_pack_key, pack_key
from bluegrid_registry.formats.manifest import examples_frames

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future, ThreadPoolExecutor

    from bluegrid_registry.formats.manifest import Manifest, PackRow
    from bluegrid_registry.stores import Store
    from bluegrid_registry.transfer.unpacker import Early

MAX_EARLY_BYTES = 16 * 2**20
"""Most bytes of the packs of a version that has copies: the store keeps these bytes twice, and a larger
version takes so long to transfer that a round trip is a small part of it."""

MODELS, EXAMPLES = "models", "examples"


def early_packs(manifest: Manifest) -> Mapping[str, PackRow]:
    """Return the packs of which copies may be in the store, by the place in the copy's key.

    These are the packs of a version that has at most `MAX_EARLY_BYTES`, one pack of models, and at most one
    other pack, of recorded examples.
    """
    models = {row.pack for row in manifest.models}
    examples = {frame.pack for frame in examples_frames(manifest.models)}
    if len(models) > 1 or len(examples) > 1 or sum(pack.size for pack in manifest.packs) > MAX_EARLY_BYTES:
        return {}
    return {(MODELS if pack.name in models else EXAMPLES): pack for pack in manifest.packs}


def copy_early(store: Store, manifest: Manifest, digest: str) -> None:
    """Copy the packs of a version, within the store; copies that the store refuses are left out."""
    for place, pack in early_packs(manifest).items():
        # Some servers have no copies, and some accounts may not make them.
        with suppress(StoreError):
            store.copy(pack_key(manifest.set, pack.name), early_pack_key(manifest.set, digest, place))


class EarlyPacks:
    """Copies that a fetch requests before it knows whether there are any.

    Args:
        store: the store.
        set_id: the model set.
        digest: the digest of the manifest.
        places: the copies to request: `MODELS`, `EXAMPLES`.
        pool: the threads of the requests.
    """

    def __init__(
        self, store: Store, set_id: str, digest: str, places: tuple[str, ...], pool: ThreadPoolExecutor
    ) -> None:
        # The length is limited, since the store could have any object under these keys.
        self._requests: dict[str, Future[bytes]] = {
            place: pool.submit(store.get_range, early_pack_key(set_id, digest, place), 0, MAX_EARLY_BYTES)
            for place in places
        }

    def of(self, manifest: Manifest) -> Early:
        """Return the requests by the names of the packs."""
        packs = early_packs(manifest)
        return {packs[place].name: request for place, request in self._requests.items() if place in packs}
