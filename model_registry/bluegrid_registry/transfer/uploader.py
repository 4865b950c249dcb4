"""Uploader, the fourth stage of a push: seals and sends packs, several at a time, unless they are stored.

Stored objects are read back before the version relies on them, and replaced if they are damaged: an object's
key is the digest of its bytes, so replacing is safe. One list shows the stored packs; it is a hint, and an
outdated list only costs time. The first pack of models, the first of recorded examples and the manifest do
not wait for it, nor for the look whether the version exists: they are sent, and the store refuses them if
they exist. A push without other packs needs no list. Once the version is known to be published, each object
is looked up first, and only objects of the version are sent.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from enum import Enum, auto
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ObjectExists, ObjectMissing, StoreError
from bluegrid_registry.formats.checksums import Checksum, retry_once
from bluegrid_registry.formats.layout import pack_key, packs_prefix
from bluegrid_registry.stores.base import StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import ThreadPoolExecutor

    from bluegrid_registry.formats.checksums import ChecksumAlgorithm
    from bluegrid_registry.stores import Store
    from bluegrid_registry.transfer.config import TransferConfig
    from bluegrid_registry.transfer.open_pack import OpenPack, PackContents
    from bluegrid_registry.transfer.refresh import Refresh


class UploadOutcome(Enum):
    """The outcome of an upload."""

    SENT = auto()
    HEALED = auto()
    """The object was damaged in the store, and was replaced."""
    THERE = auto()
    """A sound object was in the store already."""
    HELD_BACK = auto()
    """The object is missing, and was not sent: it does not belong to the published version."""


There = Callable[[], Mapping[str, StoredObject] | None]
"""Returns the stored objects by key, or None if they are not known; may wait for the list."""


def packs_there(store: Store, set_id: str, config: TransferConfig) -> Mapping[str, StoredObject] | None:
    """Return a set's packs from one listing; None: not known."""
    try:
        listed = list(itertools.islice(store.keys(packs_prefix(set_id)), config.listed_packs))
    except StoreError:
        # Credentials that can write are not always allowed to list.
        return None
    return {found.key: found for found in listed} if len(listed) < config.listed_packs else None


class Upload:
    """A pack that is first sealed, then sent; does not hold the pack's bytes."""

    def __init__(self) -> None:
        self.sealed: Future[PackContents] = Future()

    @property
    def contents(self) -> PackContents:
        """The contents of the pack; waits until it is sealed, and raises errors of sealing."""
        return self.sealed.result()


class Uploader:
    """Seals and sends packs, several at a time; a pack of one huge model is sent alone.

    Args:
        refresh: the store, and the objects to write again.
        pool: the threads that seal and send.
        listing: requests the stored packs by key; returns None if they are not known.
        algorithm: of the checksum that is sent with each object.
        config: number of packs that are sent at a time.
    """

    def __init__(
        self,
        refresh: Refresh,
        pool: ThreadPoolExecutor,
        listing: There,
        algorithm: ChecksumAlgorithm,
        config: TransferConfig,
    ) -> None:
        self._refresh, self._pool, self._algorithm, self._config = refresh, pool, algorithm, config
        # The first packs of models and of examples wait for no response, unless they are large.
        self._not_first: set[bool] = set()
        self._listing = listing
        self._listed: Future[Mapping[str, StoredObject] | None] | None = None
        self._under_way: dict[Future[UploadOutcome], Upload] = {}
        self.sent_models = self.sent_bytes = self.healed_packs = 0

    @property
    def under_way(self) -> tuple[Upload, ...]:
        """The uploads that are running."""
        return tuple(self._under_way.values())

    def request_list(self) -> Future[Mapping[str, StoredObject] | None]:
        """Request the list of the stored packs, once: it comes while the first packs are filled."""
        if self._listed is None:
            self._listed = self._pool.submit(self._listing)
        return self._listed

    def upload(self, packs: Iterable[OpenPack]) -> Iterator[Upload]:
        """Send packs, and yield uploads that have ended; the last uploads are still running at the end."""
        for pack in packs:
            is_large = pack.is_large
            while len(self._under_way) >= (1 if is_large else self._config.uploads):
                yield from self._ended()
            upload = Upload()
            there = self._there(pack)
            self._under_way[self._pool.submit(self._seal_and_send, pack, upload, there)] = upload
            # From here on, only the sending thread holds the pack.
            del pack
            while is_large and self._under_way:
                yield from self._ended()

    def finish(self) -> Iterator[Upload]:
        """Wait for the running uploads, and yield each that has ended."""
        while self._under_way:
            yield from self._ended()

    def put(self, key: str, data: bytes) -> Future[UploadOutcome]:
        """Send an object that is not a pack, beside the packs."""
        return self._pool.submit(self._ensure, key, data, Checksum.of(data, self._algorithm), None)

    def _there(self, pack: OpenPack) -> There | None:
        if pack.holds_examples not in self._not_first:
            self._not_first.add(pack.holds_examples)
            # The look for the version ends long before a huge model is sent, which may be in vain.
            return dict if pack.is_large else None
        return self.request_list().result

    def _seal_and_send(self, pack: OpenPack, upload: Upload, there: There | None) -> UploadOutcome:
        try:
            sealed = pack.seal(self._algorithm)
        except BaseException as error:
            upload.sealed.set_exception(error)
            raise
        upload.sealed.set_result(sealed.contents)
        key = pack_key(self._refresh.set_id, sealed.contents.row.name)
        return self._ensure(key, sealed.data, sealed.checksum, there)

    def _ended(self) -> Iterator[Upload]:
        for future in wait(self._under_way, return_when=FIRST_COMPLETED).done:
            outcome = future.result()
            upload = self._under_way.pop(future)
            if outcome in (UploadOutcome.SENT, UploadOutcome.HEALED):
                self.sent_models += 0 if upload.contents.holds_examples else len(upload.contents.entries)
                self.sent_bytes += upload.contents.row.size
            self.healed_packs += outcome is UploadOutcome.HEALED
            yield upload

    def _ensure(self, key: str, data: bytes, checksum: Checksum, there: There | None) -> UploadOutcome:
        """Ensure that the store holds `data` under `key`, which contains its digest.

        Args:
            key: key of the object.
            data: its bytes.
            checksum: checksum 1 of the bytes.
            there: waits for the stored objects; None: neither they nor the version's commit are waited for.
        """
        store, published = self._refresh.store, self._refresh.published
        put = functools.partial(store.put, key, data, checksum)
        listed = there() if there else {}
        # Without a commit, no reader finds what is sent: waiting would only save its bytes.
        if not published.is_found(wait=there is not None) and listed is not None and key not in listed:
            try:
                retry_once(functools.partial(put, replace=False))
            except ObjectExists:
                pass
            else:
                return UploadOutcome.SENT
        try:
            is_same = _holds(store, key, data, self._config.compared_bytes)
        except ObjectMissing:
            if not published.takes(key):
                return UploadOutcome.HELD_BACK
            outcome = UploadOutcome.SENT
        else:
            if is_same and not self._refresh.is_due(key, (listed or {}).get(key)):
                return UploadOutcome.THERE
            outcome = UploadOutcome.SENT if is_same else UploadOutcome.HEALED
            self._refresh.written_anew.add(key)
        retry_once(put)
        return outcome


def _holds(store: Store, key: str, data: bytes, piece_bytes: int) -> bool:
    """Whether the stored object equals `data`, compared piece by piece; ObjectMissing if there is none."""
    view = memoryview(data)
    for start in range(0, len(data), piece_bytes):
        piece = view[start : start + piece_bytes]
        # One byte more is requested, to detect a longer object.
        expected = len(piece) + (start + len(piece) < len(data))
        stored = store.get_range(key, start, len(piece) + 1)
        if len(stored) != expected or not stored.startswith(piece):
            return False
    return True
