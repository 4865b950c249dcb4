"""Push: writes a version's models to the store as packs, a manifest and finally a commit.

The version is visible only with its commit, so a push may be killed at any point and run again. Objects that
are in the store already are not sent again, except the first pack; they are read back before the version
relies on them, and replaced if they are damaged. If the version exists, only missing objects are sent.

To save round trips, the server's capabilities, the version and the list of packs (unless one pack will hold
all models) are requested while models are read, the first pack waits for none of them, the manifest is sent
beside the last packs, and the store makes copies for readers beside the commit (`early_packs.py`). A push of
one pack waits for two responses: its pack, and its commit. An update waits for its base before, and reads one
model of the base while the last packs are sent.
"""

from __future__ import annotations

from collections.abc import Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError
from bluegrid_registry.formats.checksums import ChecksumAlgorithm, sha256_digest
from bluegrid_registry.formats.layout import manifest_key
from bluegrid_registry.names import Source, check_label
from bluegrid_registry.registry_files.version_rows import Version
from bluegrid_registry.stores.versions import check_pinned, read_commit, read_manifest
from bluegrid_registry.transfer import config as transfer_config
from bluegrid_registry.transfer.already_stored import Published
from bluegrid_registry.transfer.check import ModelCheck
from bluegrid_registry.transfer.early_packs import copy_early
from bluegrid_registry.transfer.packer import Packer
from bluegrid_registry.transfer.progress import ProgressEvent, ignore
from bluegrid_registry.transfer.publish import commit_once, published_before
from bluegrid_registry.transfer.refresh import Refresh
from bluegrid_registry.transfer.selection import selected
from bluegrid_registry.transfer.signature_reader import SignatureReader
from bluegrid_registry.transfer.sources import LazyModels, read_ahead
from bluegrid_registry.transfer.unpacker import unpack_all
from bluegrid_registry.transfer.uploader import Uploader, UploadOutcome, packs_there

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from bluegrid_registry.formats.manifest import Manifest, ModelRow
    from bluegrid_registry.model_types.model_type import ModelType
    from bluegrid_registry.stores import Store
    from bluegrid_registry.transfer.config import TransferConfig
    from bluegrid_registry.transfer.progress import Progress
    from bluegrid_registry.transfer.sources import SourceModel

_LOOKUP_THREADS = 5
"""Threads in addition to those that send packs: for the version's commit and manifest, the probe, the list of
packs, and the base's commit. The first free thread sends the manifest."""


@dataclass(frozen=True)
class PushReport:
    """The result of a push."""

    set: str
    version: str
    manifest: str
    """Digest of the version's manifest, for the registry."""
    published: datetime
    """Time of the version's commit, by this push or an earlier one."""
    models: int
    """Number of models of the version."""
    sent_models: int
    """Models that were sent to the store."""
    sent_bytes: int
    """Bytes of packs and manifest that were sent to the store."""
    packs: int
    """Packs with models of the version."""
    packs_healed: int
    """Packs that were damaged in the store and were replaced."""
    already_there: bool
    """Whether the version was published before, with the same models."""

    @property
    def row(self) -> Version:
        """The version's row for the registry; a repeated push returns the same row."""
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
    is_mixed: bool = False,
    algorithm: ChecksumAlgorithm = ChecksumAlgorithm.CRC64NVME,
    progress: Progress = ignore,
    config: TransferConfig | None = None,
) -> PushReport:
    """Publish a version.

    Args:
        store: the store to push to.
        set_id: the model set.
        version_id: the version's ID, unique in the set.
        models: the models, from `models_in_folder` or from memory. A list or tuple is packed in the order of
            its UIDs; any other iterable is read once, in its own order, and never held in memory as a whole.
        model_type: the type of every model in the set.
        base: start from this version's models; `models` replace them or are added to them.
        without: UIDs, or patterns such as `line-9*`, of the base's models to leave out.
        source: who defined the set. Each model is then checked: it must have the type, use only trusted
            names, and be of the same estimators as the others. None: models are not checked.
        trust: names that the set trusts in addition to the harmless ones.
        is_mixed: whether the models may be of different estimators.
        algorithm: of the checksum that is computed before sending, and again by the store.
        progress: is called after each pack.
        config: concurrency and memory; None: the defaults.

    Raises:
        ConfigError: an ID or UID is invalid, `without` names no model of the base, or the version would be
            empty.
        VersionConflict: the version exists with other models, or another push has just published it.
        FormatError: a model is empty, too large or suspiciously compressible, comes twice, or does not belong
            in the set.
        IntegrityError: the store received other bytes than were sent, twice, or `base` is damaged there.
        ObjectMissing: garbage collection deleted an object of the version while it was written again.
        StoreError: the store refused or did not answer.
    """
    for name in (set_id, version_id):
        _check_id(name)
    config = config or transfer_config.DEFAULT
    if isinstance(models, list | tuple):
        models = sorted(models, key=lambda model: model.uid)
    total = len(models) if isinstance(models, Sized) else None
    threads = ThreadPoolExecutor(config.uploads + _LOOKUP_THREADS)
    with ThreadPoolExecutor(config.readers) as readers, threads as pool:
        # The first writes need these results; requesting them now costs no time.
        published = Published(store, set_id, version_id, pool)
        probed = pool.submit(store.probe)
        based_on = _read_base(store, set_id, base, model_type, pool) if base else None
        base_names = based_on.globals if based_on else None
        check = None
        if source:
            check = ModelCheck(
                model_type, source, trust, set_id=set_id, base_globals=base_names, is_mixed=is_mixed
            )
        packer = Packer(config, _rows_of_base(based_on, without), based_on.packs if based_on else ())
        refresh = Refresh(store, set_id, version_id, published)
        uploader = Uploader(
            refresh,
            pool,
            # A push with a base usually is one small pack, which needs no list.
            (lambda: None) if base else (lambda: packs_there(store, set_id, config)),
            algorithm,
            config,
        )
        if not base and not _fit_into_one_pack(models, config):
            uploader.request_list()

        # Four stages, each from an iterator to an iterator: sources, check, packer, uploader.
        signatures = SignatureReader(model_type)
        loaded = signatures.read(read_ahead(models, readers, config, model_type.plain))
        packs = packer.packs(check.checked(loaded) if check else loaded)
        for upload in uploader.upload(packs):
            packer.place(upload.contents)
            progress(ProgressEvent(packer.models_placed, total, uploader.sent_bytes))
        models_under_way = {upload: packer.place(upload.contents) for upload in uploader.under_way}
        beside = None
        if check and based_on and check.kinds.are_compared:
            beside = pool.submit(_smallest_model, store, based_on, packer.kept, config)

        names = check.globals if check else base_names
        # A base of which no model stays says nothing: mixed in, it would hide what breaks its clients.
        kept_signature = based_on.signature if based_on and packer.kept else None
        signature = signatures.signature(kept_signature)
        manifest = packer.manifest(set_id, version_id, model_type, names, signature)
        data = manifest.to_bytes()
        digest = sha256_digest(data)
        earlier = manifest_sent = None
        if published.is_found(wait=False):
            earlier = published_before(manifest, digest, published)
        if not earlier:
            # The manifest may be stored before the last packs: no reader reads it before the commit.
            manifest_sent = uploader.put(manifest_key(set_id, digest), data)
        for upload in uploader.finish():
            del models_under_way[upload]
            done = packer.models_placed - sum(models_under_way.values())
            progress(ProgressEvent(done, total, uploader.sent_bytes))
        # Raises the probe's error even if nothing had to be written.
        single_winner = probed.result().single_winner
        if check and base and beside and (kept := beside.result()):
            check.kinds.refuse_beside(base.id, *kept)
        is_sent = manifest_sent is not None and manifest_sent.result() is not UploadOutcome.THERE
        sent_bytes = uploader.sent_bytes + (len(data) if is_sent else 0)
        earlier = earlier or published_before(manifest, digest, published)
        copies = None
        if base is None:
            # Beside the commit, and again by a repeated push, since copies may be damaged too. Those of an
            # update would double the bytes that its base has stored.
            copies = pool.submit(copy_early, store, manifest, digest)
        commit, already_there = (
            (earlier, True) if earlier else commit_once(store, manifest, digest, single_winner=single_winner)
        )
        if copies:
            copies.result()
    refresh.check()
    progress(ProgressEvent(packer.models_placed, total, sent_bytes, is_committed=True))
    return PushReport(
        set=set_id,
        version=version_id,
        manifest=commit.manifest,
        published=commit.time,
        models=len(manifest.models),
        sent_models=uploader.sent_models,
        sent_bytes=sent_bytes,
        packs=len({row.pack for row in manifest.models}),
        packs_healed=uploader.healed_packs,
        already_there=already_there,
    )


def _check_id(name: str) -> None:
    try:
        check_label(name)
    except ValueError as error:
        raise ConfigError(f"cannot push: {error}") from None


def _fit_into_one_pack(models: Iterable[SourceModel], config: TransferConfig) -> bool:
    """Whether the models are known to fill at most one pack; compressed ones may then grow beyond it."""
    if not isinstance(models, LazyModels) or models.total_bytes is None:
        return False
    return models.total_bytes < config.pack_bytes and len(models) <= config.pack_models


def _read_base(
    store: Store, set_id: str, base: Version, model_type: ModelType, pool: ThreadPoolExecutor
) -> Manifest:
    # Objects of a version without a commit may be deleted at any time, so the commit is required.
    commit = pool.submit(read_commit, store, set_id, base.id)
    manifest = read_manifest(store, set_id, base.id, base.manifest)
    check_pinned(commit.result(), base.manifest)
    if manifest.type != model_type:
        their = f"set {set_id} version {manifest.version} is of type {manifest.type}"
        raise ConfigError(f"{their}, the new models of {model_type}; a set holds one type")
    return manifest


def _smallest_model(
    store: Store, base: Manifest, rows: Iterable[ModelRow], config: TransferConfig
) -> tuple[str, bytes] | None:
    """Return the UID and the bytes of the smallest of these models of the base; None: there are none."""
    row = min(rows, key=lambda row: row.raw_length, default=None)
    found: list[tuple[str, bytes]] = []
    if row is not None:
        unpack_all(store, base, [row], lambda row, data: found.append((row.uid, data)), ignore, config)
    return found[0] if found else None


def _rows_of_base(base: Manifest | None, without: Collection[str]) -> list[ModelRow]:
    """Return the base's models without those that `without` names; each name must match a model."""
    if base is None:
        if without:
            raise ConfigError(
                f"{min(without)!r} cannot be left out of a version that has no base; name the base"
            )
        return []
    left_out = selected(base, without)
    return [row for row in base.models if row.uid not in left_out]
