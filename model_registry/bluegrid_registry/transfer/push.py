"""Push: a version's models into the store, as packs, a manifest and last of all a commit.

Nobody sees anything before the commit, so a push may be killed anywhere and run again. What is in the store
already is not sent again, but for the first pack; it is read back before anything relies on it, and replaced
where it is damaged. Of a version that exists nothing is sent but what it lacks.

Little is done one after the other, for each round trip counts: what the store's server can do, whether the
version exists and which packs are there is asked while models are read, the first pack does not wait for the
list, and the manifest goes beside the last packs. So a push waits for the look whether the version exists,
its packs, its commit and the commit's way back; an update reads its base meanwhile.
"""

from __future__ import annotations

from collections.abc import Sized
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError
from bluegrid_registry.formats.checksums import Checksum, ChecksumAlgorithm, sha256_digest
from bluegrid_registry.formats.layout import manifest_key, pack_key
from bluegrid_registry.names import Source, check_label
from bluegrid_registry.registry_files.schema import Version
from bluegrid_registry.stores.versions import check_pinned, read_commit, read_manifest
from bluegrid_registry.transfer.check import ModelCheck
from bluegrid_registry.transfer.packer import READERS, FilledPack, Packing, read_ahead
from bluegrid_registry.transfer.progress import ProgressEvent, ignore
from bluegrid_registry.transfer.publish import commit_once, published_before
from bluegrid_registry.transfer.published import Published
from bluegrid_registry.transfer.refresh import Refresh
from bluegrid_registry.transfer.selection import selected
from bluegrid_registry.transfer.uploader import There, UploadOutcome, ensure, packs_there

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from bluegrid_registry.formats.manifest import Manifest, ModelRow, PackRow
    from bluegrid_registry.formats.pack import PackEntry
    from bluegrid_registry.model_types.model_type import ModelType
    from bluegrid_registry.stores import Store
    from bluegrid_registry.stores.base import StoredObject
    from bluegrid_registry.transfer.progress import Progress
    from bluegrid_registry.transfer.sources import SourceModel

PARALLEL = 4
"""Packs under way at a time; each is held in memory."""


@dataclass(frozen=True)
class PushReport:
    """What a push found and did."""

    set: str
    version: str
    manifest: str
    """The version's digest, for the registry."""
    published: datetime
    """When the version was committed, by this push or an earlier one."""
    models: int
    """Models of the version."""
    sent_models: int
    """Models that the store took."""
    sent_bytes: int
    """Bytes of packs and manifest that the store took."""
    packs: int
    """Packs that the version's models lie in."""
    packs_healed: int
    """Packs that were damaged in the store and have been replaced."""
    already_there: bool
    """Whether the version had been published before, with the same models."""

    @property
    def row(self) -> Version:
        """The version's row for the registry; a push that is repeated gives the same row."""
        return Version(id=self.version, manifest=self.manifest, updated=self.published)


def push(
    store: Store,
    set_id: str,
    version_id: str,
    models: Iterable[SourceModel],
    *,
    model_type: ModelType,
    base: Version | None = None,
    without: Collection[str] = (),
    source: Source | None = None,
    trust: Collection[str] = (),
    algorithm: ChecksumAlgorithm = ChecksumAlgorithm.CRC64NVME,
    progress: Progress = ignore,
) -> PushReport:
    """Publish a version.

    Args:
        store: where to.
        set_id: the model set.
        version_id: the version's ID, unique in the set.
        models: the models, from `models_in_folder` or from memory. A list or tuple is packed in the order of
            its UIDs; any other iterable is read once, as it comes, and never held whole.
        model_type: the type of every model in the set.
        base: start from this version's models; those of `models` replace them or are added.
        without: UIDs, or patterns such as `line-9*`, of the base's models to leave out.
        source: whose set it is: then every model is looked at, and must be of the type and name nothing that
            is not trusted. None: models are taken as they come.
        trust: what the set trusts beside what is known to be harmless.
        algorithm: of the checksum that is taken before sending, and computed again by the store.
        progress: is told after each pack.

    Raises:
        ConfigError: an ID or a UID is none, `without` names no model of the base, or no model is left.
        VersionConflict: the version exists with other models, or another push was there first.
        FormatError: a model is empty, too large or suspiciously compressible, comes twice, or is none of the
            set's.
        IntegrityError: the store received other bytes than were sent, twice, or `base` is damaged there.
        ObjectMissing: garbage collection took what the version needs just when it was written anew.
        StoreError: the store refused or did not answer.
    """
    for name in (set_id, version_id):
        _check_id(name)
    if isinstance(models, list | tuple):
        models = sorted(models, key=lambda model: model.uid)
    total = len(models) if isinstance(models, Sized) else None
    with ThreadPoolExecutor(READERS) as readers, ThreadPoolExecutor(PARALLEL + 5) as senders:
        # What the first writes need to know; asked for now, it costs no time.
        published = Published(store, set_id, version_id, senders)
        probed = senders.submit(store.probe)
        # An update is one small pack, for which no list is needed.
        there = senders.submit(lambda: None if base else packs_there(store, set_id))
        based_on = _read_base(store, set_id, base, model_type, senders) if base else None
        packing = Packing(_kept(based_on, without), based_on.packs if based_on else ())
        guard = _guard(model_type, source, trust, based_on)
        refresh = Refresh(store, set_id, version_id, published)
        packs = _Packs(refresh, packing, senders, algorithm, there)

        def tell() -> None:
            progress(ProgressEvent(packs.models_done, total, packs.sent_bytes))

        for _ in packs.send(packing.packs(read_ahead(models, readers), guard.check if guard else _accept)):
            tell()
        names = guard.globals if guard else based_on.globals if based_on else None
        manifest = packing.manifest(set_id, version_id, model_type, names)
        data = manifest.to_bytes()
        digest = sha256_digest(data)
        # Beside the last packs: nobody looks for a manifest before its commit.
        key, checksum = manifest_key(set_id, digest), Checksum.of(data, algorithm)
        earlier = published_before(manifest, digest, published)
        manifest_sent = None if earlier else senders.submit(ensure, refresh, key, data, checksum)
        for _ in packs.finish():
            tell()
        # What is wrong with the store is told, also where nothing had to be written.
        probed.result()
        is_sent = manifest_sent is not None and manifest_sent.result() is not UploadOutcome.THERE
        sent_bytes = packs.sent_bytes + (len(data) if is_sent else 0)
    commit, already_there = (earlier, True) if earlier else commit_once(store, manifest, digest)
    refresh.check()
    progress(ProgressEvent(packs.models_done, total, sent_bytes, sent_bytes))
    return PushReport(
        set=set_id,
        version=version_id,
        manifest=commit.manifest,
        published=commit.time,
        models=len(manifest.models),
        sent_models=packs.sent_models,
        sent_bytes=sent_bytes,
        packs=len(manifest.packs),
        packs_healed=packs.healed,
        already_there=already_there,
    )


def _guard(
    model_type: ModelType, source: Source | None, trust: Collection[str], base: Manifest | None
) -> ModelCheck | None:
    if source is None:
        return None
    return ModelCheck(model_type, source, trust, base_globals=base.globals if base else None)


def _accept(uid: str, data: bytes) -> None:
    pass


def _check_id(name: str) -> None:
    try:
        check_label(name)
    except ValueError as error:
        raise ConfigError(f"cannot push: {error}") from None


def _read_base(
    store: Store, set_id: str, base: Version, model_type: ModelType, pool: ThreadPoolExecutor
) -> Manifest:
    # What a version without a commit refers to may go at any time.
    commit = pool.submit(read_commit, store, set_id, base.id)
    manifest = read_manifest(store, set_id, base.id, base.manifest)
    check_pinned(commit.result(), base.manifest)
    if manifest.type != model_type:
        their = f"set {set_id} version {manifest.version} is of type {manifest.type}"
        raise ConfigError(f"{their}, the new models of {model_type}; a set holds one type")
    return manifest


def _kept(base: Manifest | None, without: Collection[str]) -> list[ModelRow]:
    """Return the base's models but those that `without` names, each of which must name one."""
    if base is None:
        if without:
            raise ConfigError(
                f"{min(without)!r} cannot be left out of a version that has no base; name the base"
            )
        return []
    left_out = selected(base, without)
    return [row for row in base.models if row.uid not in left_out]


@dataclass
class _Sending:
    """A pack under way: first it is made, then it is sent. Its bytes are held by neither."""

    made: Future[tuple[PackRow, tuple[PackEntry, ...]]] = field(default_factory=Future)
    row: PackRow | None = None
    """Its row, once the manifest knows it."""
    files: int = 0
    """Different models that lie in it."""
    models: int = 0
    """Models of the version that lie in it: devices may share one."""


class _Packs:
    """Finishes and sends packs, several at a time; one of a single huge model has the memory to itself."""

    def __init__(
        self,
        refresh: Refresh,
        packing: Packing,
        senders: ThreadPoolExecutor,
        algorithm: ChecksumAlgorithm,
        there: Future[Mapping[str, StoredObject] | None],
    ) -> None:
        self._refresh, self._packing, self._senders, self._algorithm = refresh, packing, senders, algorithm
        # Of the first pack nothing is known; the others wait for the list.
        self._there: There = dict
        self._listed = there.result
        self._under_way: dict[Future[UploadOutcome], _Sending] = {}
        self.sent_models = self.sent_bytes = self.healed = 0

    @property
    def models_done(self) -> int:
        """Models that lie in a pack that is stored."""
        return self._packing.models_placed - sum(sending.models for sending in self._under_way.values())

    def send(self, packs: Iterator[FilledPack]) -> Iterator[None]:
        """Send all; the last ones are still under way at the end, and all are made. Yields after each one."""
        for filled in packs:
            is_large = filled.is_large
            while len(self._under_way) >= (1 if is_large else PARALLEL):
                yield from self._finish_some()
            sending = _Sending()
            future = self._senders.submit(self._store, filled, sending, self._there)
            self._under_way[future] = sending
            self._there = self._listed
            # Only the thread that sends it holds it now.
            del filled
            while is_large and self._under_way:
                yield from self._finish_some()
        for sending in self._under_way.values():
            self._place(sending)

    def finish(self) -> Iterator[None]:
        """Wait for those that are under way. Yields after each one."""
        while self._under_way:
            yield from self._finish_some()

    def _store(self, filled: FilledPack, sending: _Sending, there: There) -> UploadOutcome:
        try:
            pack = filled.close(self._algorithm)
        except BaseException as error:
            sending.made.set_exception(error)
            raise
        sending.made.set_result((pack.row, pack.entries))
        key = pack_key(self._refresh.set_id, pack.row.name)
        return ensure(self._refresh, key, pack.data, pack.checksum, there)

    def _finish_some(self) -> Iterator[None]:
        for future in wait(self._under_way, return_when=FIRST_COMPLETED).done:
            outcome = future.result()
            sending = self._under_way.pop(future)
            row = self._place(sending)
            if outcome in (UploadOutcome.SENT, UploadOutcome.HEALED):
                self.sent_models += sending.files
                self.sent_bytes += row.size
            self.healed += outcome is UploadOutcome.HEALED
            yield

    def _place(self, sending: _Sending) -> PackRow:
        if sending.row is None:
            sending.row, entries = sending.made.result()
            sending.files, sending.models = len(entries), self._packing.place(sending.row, entries)
        return sending.row
