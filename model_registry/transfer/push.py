"""Push: a version's models into the store, as packs, a manifest and last of all a commit.

Nobody sees anything before the commit, so a push may be killed anywhere and run again. What is in the store
already is not sent again; it is read back before anything relies on it, and replaced where it is damaged.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from model_registry.errors import ConfigError, ObjectExists, ObjectMissing, VersionConflict
from model_registry.formats.checksums import Checksum, sha256_digest
from model_registry.formats.commit import Commit
from model_registry.formats.layout import manifest_key, pack_key, version_key
from model_registry.names import check_label
from model_registry.transfer.packing import Pack, Packing
from model_registry.transfer.progress import ProgressEvent, ignore
from model_registry.transfer.reading import read_commit, read_manifest, twice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from model_registry.formats.manifest import Manifest
    from model_registry.model_types.model_type import ModelType
    from model_registry.registry_files.schema import Version
    from model_registry.stores import Store
    from model_registry.transfer.models import SourceModel
    from model_registry.transfer.progress import Progress

PARALLEL = 3
"""Packs under way at a time; each is held in memory, twice while it is compared with what is there."""


@dataclass(frozen=True)
class PushReport:
    """What a push found and did."""

    set: str
    version: str
    manifest: str
    """The version's digest, for the registry."""
    models: int
    """Models of the version."""
    sent_models: int
    """Models that went over the wire."""
    sent_bytes: int
    """Bytes of packs and manifest that went over the wire."""
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
    models: Sequence[SourceModel],
    *,
    model_type: ModelType,
    base: Version | None = None,
    progress: Progress = ignore,
) -> PushReport:
    """Publish a version.

    Args:
        store: where to.
        set_id: the model set.
        version_id: the version's ID, unique in the set.
        models: the models, from `models_in_folder`.
        model_type: the type of every model in the set.
        base: start from this version's models; those of `models` replace them or are added.
        progress: is told after each pack.

    Raises:
        VersionConflict: the version exists with other models.
        FormatError: a model is empty, too large or suspiciously compressible.
        IntegrityError: the store received other bytes than were sent, twice, or `base` is damaged there.
        StoreError: the store refused or did not answer.
    """
    for name in (set_id, version_id):
        _check_id(name)
    based_on = read_manifest(store, set_id, base.id, base.manifest) if base else None
    if based_on and based_on.type != model_type:
        their = f"set {set_id} version {based_on.version} is of type {based_on.type}"
        raise ConfigError(f"{their}, the new models of {model_type}; a set holds one type")
    packing = Packing(models, based_on)
    stored, sent_models, sent_bytes, healed = 0, 0, 0, 0
    for result in _store_packs(store, set_id, packing.packs()):
        stored += result.models
        if result.outcome is not _Outcome.THERE:
            sent_models += result.models
            sent_bytes += result.bytes
        healed += result.outcome is _Outcome.HEALED
        progress(ProgressEvent(models=stored, models_total=packing.count, bytes=sent_bytes))
    manifest = packing.manifest(set_id, version_id, model_type)
    data = manifest.to_bytes()
    digest = sha256_digest(data)
    if _ensure(store, manifest_key(set_id, digest), data, Checksum.of(data)) is not _Outcome.THERE:
        sent_bytes += len(data)
    published, already_there = _commit(store, manifest, digest)
    progress(ProgressEvent(models=packing.count, models_total=packing.count, bytes=sent_bytes))
    return PushReport(
        set=set_id,
        version=version_id,
        manifest=published,
        models=packing.count,
        sent_models=sent_models,
        sent_bytes=sent_bytes,
        packs=len(manifest.packs),
        packs_healed=healed,
        already_there=already_there,
    )


def _check_id(name: str) -> None:
    try:
        check_label(name)
    except ValueError as error:
        raise ConfigError(f"cannot push: {error}") from None


class _Outcome(Enum):
    SENT = auto()
    HEALED = auto()
    THERE = auto()


@dataclass(frozen=True)
class _Stored:
    """What became of a pack; the pack's bytes are free to go."""

    models: int
    bytes: int
    outcome: _Outcome


def _store_packs(store: Store, set_id: str, packs: Iterator[Pack]) -> Iterator[_Stored]:
    def store_one(pack: Pack) -> _Stored:
        outcome = _ensure(store, pack_key(set_id, pack.row.sha256), pack.data, pack.checksum)
        return _Stored(len(pack.entries), len(pack.data), outcome)

    under_way: set[Future[_Stored]] = set()
    with ThreadPoolExecutor(PARALLEL) as pool:
        for pack in packs:
            if len(under_way) == PARALLEL:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
            under_way.add(pool.submit(store_one, pack))
        yield from (future.result() for future in under_way)


def _ensure(store: Store, key: str, data: bytes, checksum: Checksum) -> _Outcome:
    """Make sure that the store holds `data`; its key is its digest, so replacing is safe."""
    try:
        stored = store.get(key)
    except ObjectMissing:
        outcome = _Outcome.SENT
    else:
        if stored == data:
            return _Outcome.THERE
        outcome = _Outcome.HEALED
    twice(lambda: store.put(key, data, checksum))
    return outcome


def _commit(store: Store, manifest: Manifest, digest: str) -> tuple[str, bool]:
    """Publish; return the version's digest and whether another push had published the same models before."""
    commit = Commit.new(manifest.set, manifest.version, digest)
    try:
        store.put_once(version_key(manifest.set, manifest.version), commit.to_bytes())
    except ObjectExists:
        there = read_commit(store, manifest.set, manifest.version)
        # The answer to one's own success may be lost; the retry then finds the key taken by oneself.
        if there.txid == commit.txid:
            return digest, False
        if there.manifest != digest:
            theirs = read_manifest(store, manifest.set, manifest.version, there.manifest)
            _refuse_other_models(manifest, theirs, there)
        return there.manifest, True
    return digest, False


def _refuse_other_models(ours: Manifest, theirs: Manifest, commit: Commit) -> None:
    # The same models may be packed differently: from another base, or by another release of zstd.
    if _models(ours) != _models(theirs):
        since = f"since {commit.time:%Y-%m-%d %H:%M}Z by {commit.author}"
        version = f"set {ours.set} version {ours.version}"
        raise VersionConflict(f"{version}: exists with other models {since}; push under a new version ID")


def _models(manifest: Manifest) -> list[tuple[object, ...]]:
    return [(manifest.type, row.uid, row.sha256, row.example) for row in manifest.models]
