"""Push: a version's models into the store, as packs, a manifest and last of all a commit.

Nobody sees anything before the commit, so a push may be killed anywhere and run again. What is in the store
already is not sent again; it is read back before anything relies on it, and replaced where it is damaged.

A small object is sent at once, and read back only where its key is taken; a large one is asked for first. So
an update of one model is four requests, one after the other: base, pack, manifest, commit.
"""

from __future__ import annotations

from collections.abc import Sized
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from model_registry.errors import ConfigError, ObjectExists, ObjectMissing, VersionConflict
from model_registry.formats.checksums import Checksum, ChecksumAlgorithm, sha256_digest
from model_registry.formats.commit import Commit
from model_registry.formats.layout import manifest_key, pack_key, version_key
from model_registry.model_types.guard import TypeGuard
from model_registry.names import check_label
from model_registry.transfer.packing import READERS, FilledPack, Packing, read_ahead
from model_registry.transfer.progress import ProgressEvent, ignore
from model_registry.transfer.reading import check_pinned, read_commit, read_manifest, twice
from model_registry.transfer.renewal import Renewal
from model_registry.transfer.selection import selected

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from concurrent.futures import Future
    from datetime import datetime

    from model_registry.formats.manifest import Manifest, ModelRow, PackRow
    from model_registry.formats.pack import PackEntry
    from model_registry.model_types.model_type import ModelType
    from model_registry.registry_files.schema import Source, Version
    from model_registry.stores import Store
    from model_registry.transfer.models import SourceModel
    from model_registry.transfer.progress import Progress

PARALLEL = 3
"""Packs under way at a time; each is held in memory."""

SMALL_BYTES = 2**20
"""Up to this size, sending costs less than asking first."""

COMPARED_BYTES = 8 * 2**20
"""How much of a stored object is held beside the bytes that it is compared with."""


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
        source: whose set it is: then every model is looked at, and must be of the type, name nothing that is
            not trusted, and be like its siblings. None: models are taken as they come.
        trust: what the set trusts beside what is known to be harmless.
        algorithm: of the checksum that is taken before sending, and computed again by the store.
        progress: is told after each pack.

    Raises:
        ConfigError: an ID or a UID is none, `without` names no model of the base, or no model is left.
        VersionConflict: the version exists with other models.
        FormatError: a model is empty, too large or suspiciously compressible, comes twice, or is none of the
            set's.
        IntegrityError: the store received other bytes than were sent, twice, or `base` is damaged there.
        StoreError: the store refused or did not answer.
    """
    for name in (set_id, version_id):
        _check_id(name)
    renewal = Renewal(store, set_id, version_id)
    if isinstance(models, list | tuple):
        models = sorted(models, key=lambda model: model.uid)
    total = len(models) if isinstance(models, Sized) else None
    sent_models, sent_bytes, healed = 0, 0, 0
    with ThreadPoolExecutor(READERS) as readers, ThreadPoolExecutor(PARALLEL) as senders:
        # The first write needs its answer; asked for now, it costs no time.
        senders.submit(store.probe)
        based_on = _read_base(store, set_id, base, model_type, senders) if base else None
        packing = Packing(_kept(based_on, without), based_on.packs if based_on else ())
        guard = _guard(model_type, source, trust, based_on)
        packs = packing.packs(read_ahead(models, readers), guard.check if guard else _accept)
        for stored in _store_packs(renewal, packs, senders, algorithm):
            packing.stored(stored.row, stored.entries)
            if stored.outcome is not _Outcome.THERE:
                sent_models += len(stored.entries)
                sent_bytes += stored.row.size
            healed += stored.outcome is _Outcome.HEALED
            progress(ProgressEvent(packing.models_done, total, sent_bytes))
    names = guard.globals if guard else based_on.globals if based_on else None
    manifest = packing.manifest(set_id, version_id, model_type, names)
    data = manifest.to_bytes()
    digest = sha256_digest(data)
    checksum = Checksum.of(data, algorithm)
    if _ensure(renewal, manifest_key(set_id, digest), data, checksum) is not _Outcome.THERE:
        sent_bytes += len(data)
    commit, already_there = _commit(store, manifest, digest)
    progress(ProgressEvent(packing.models_done, total, sent_bytes, sent_bytes))
    return PushReport(
        set=set_id,
        version=version_id,
        manifest=commit.manifest,
        published=commit.time,
        models=len(manifest.models),
        sent_models=sent_models,
        sent_bytes=sent_bytes,
        packs=len(manifest.packs),
        packs_healed=healed,
        already_there=already_there,
    )


def _guard(
    model_type: ModelType, source: Source | None, trust: Collection[str], base: Manifest | None
) -> TypeGuard | None:
    if source is None:
        return None
    if base is None:
        return TypeGuard(model_type, source, trust)
    return TypeGuard(model_type, source, trust, base_globals=base.globals, base=f"version {base.version}")


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


class _Outcome(Enum):
    SENT = auto()
    HEALED = auto()
    THERE = auto()


class _Stored(NamedTuple):
    """What became of a pack; the pack's bytes are free to go."""

    row: PackRow
    entries: tuple[PackEntry, ...]
    outcome: _Outcome


def _store_packs(
    renewal: Renewal, packs: Iterator[FilledPack], senders: ThreadPoolExecutor, algorithm: ChecksumAlgorithm
) -> Iterator[_Stored]:
    """Finish and send packs, several at a time; one of a single huge model has the memory to itself."""

    def store_one(filled: FilledPack) -> _Stored:
        pack = filled.close(algorithm)
        outcome = _ensure(renewal, pack_key(renewal.set_id, pack.row.sha256), pack.data, pack.row.checksum)
        return _Stored(pack.row, pack.entries, outcome)

    under_way: set[Future[_Stored]] = set()
    for filled in packs:
        is_large = filled.is_large
        while len(under_way) >= (1 if is_large else PARALLEL):
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
        under_way.add(senders.submit(store_one, filled))
        # Only the thread that sends it holds it now.
        del filled
        while is_large and under_way:
            yield under_way.pop().result()
    yield from (future.result() for future in under_way)


def _ensure(renewal: Renewal, key: str, data: bytes, checksum: Checksum) -> _Outcome:
    """Make sure that the store holds `data`; its key is its digest, so replacing is safe."""
    store = renewal.store
    if len(data) <= SMALL_BYTES:
        try:
            twice(lambda: store.put_once(key, data, checksum))
        except ObjectExists:
            pass
        else:
            return _Outcome.SENT
    try:
        is_same = _holds(store, key, data)
    except ObjectMissing:
        outcome = _Outcome.SENT
    else:
        if is_same and not renewal.is_due(key):
            return _Outcome.THERE
        outcome = _Outcome.SENT if is_same else _Outcome.HEALED
    twice(lambda: store.put(key, data, checksum))
    return outcome


def _holds(store: Store, key: str, data: bytes) -> bool:
    """Whether the store's object is `data`, compared piece by piece; ObjectMissing when there is none."""
    view = memoryview(data)
    for start in range(0, len(data), COMPARED_BYTES):
        piece = view[start : start + COMPARED_BYTES]
        # One byte more than there should be: an object that goes on is another one.
        expected = len(piece) + (start + len(piece) < len(data))
        stored = store.get_range(key, start, len(piece) + 1)
        if len(stored) != expected or not stored.startswith(piece):
            return False
    return True


def _commit(store: Store, manifest: Manifest, digest: str) -> tuple[Commit, bool]:
    """Publish; return the version's commit and whether another push had published the same models before."""
    commit = Commit.new(manifest.set, manifest.version, digest)
    try:
        store.put_once(version_key(manifest.set, manifest.version), commit.to_bytes())
    except ObjectExists:
        there = read_commit(store, manifest.set, manifest.version)
        # The answer to one's own success may be lost; the retry then finds the key taken by oneself.
        if there.txid == commit.txid:
            return commit, False
        if there.manifest != digest:
            theirs = read_manifest(store, manifest.set, manifest.version, there.manifest)
            _refuse_other_models(manifest, theirs, there)
        return there, True
    return commit, False


def _refuse_other_models(ours: Manifest, theirs: Manifest, commit: Commit) -> None:
    # The same models may be packed differently: from another base, or by another release of zstd.
    if _models(ours) != _models(theirs):
        since = f"since {commit.time:%Y-%m-%d %H:%M}Z by {commit.author}"
        version = f"set {ours.set} version {ours.version}"
        raise VersionConflict(f"{version}: exists with other models {since}; push under a new version ID")


def _models(manifest: Manifest) -> list[tuple[object, ...]]:
    return [(manifest.type, row.uid, row.sha256, row.example) for row in manifest.models]
