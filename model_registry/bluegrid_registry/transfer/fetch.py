"""Fetch: downloads a version's models, all or some of them, into a folder or into memory, and verifies them.

All or nothing: no model appears before all requested models are verified. Sound models in the folder are not
fetched again. Copies of a small version's packs are requested beside the manifest (`early_packs.py`), so that
such a fetch waits for one connection and one round trip.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError
from bluegrid_registry.files import locked
from bluegrid_registry.signing.signatures import verify_signature
from bluegrid_registry.stores.versions import check_pinned, read_commit, read_manifest
from bluegrid_registry.transfer import config as transfer_config
from bluegrid_registry.transfer.early_packs import EXAMPLES, MODELS, EarlyPacks
from bluegrid_registry.transfer.model_cache import Cache
from bluegrid_registry.transfer.progress import ignore
from bluegrid_registry.transfer.recorded_examples import RecordedExamples, fetched_examples
from bluegrid_registry.transfer.selection import selected
from bluegrid_registry.transfer.unpacker import unpack_all
from bluegrid_registry.transfer.version_folder import FetchReport, ModelPaths, VersionFolder, file_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from bluegrid_registry.formats.manifest import Frame, Manifest, ModelRow
    from bluegrid_registry.shards import Shard
    from bluegrid_registry.signing.keys import PublicKey
    from bluegrid_registry.stores import Store
    from bluegrid_registry.transfer.config import TransferConfig
    from bluegrid_registry.transfer.progress import Progress


_REQUESTS = 4
"""Requests beside the one for the manifest: the commit, the signature, and up to two copies of packs."""


@dataclass(frozen=True)
class FetchedVersion:
    """A verified version on disk, or the requested part of it."""

    set_id: str
    version_id: str
    manifest: Manifest
    """The manifest of the whole version."""
    paths: Mapping[str, Path]
    """The model's file or folder by UID, for the requested models; `keeps` says which were written."""
    examples: RecordedExamples = field(compare=False)
    """The recorded examples by UID, for the requested models that have any."""
    report: FetchReport = field(compare=False)


def fetch(
    store: Store,
    set_id: str,
    version_id: str,
    manifest_digest: str,
    into: Path,
    *,
    only: Collection[str] = (),
    shard: Shard | None = None,
    keys: Sequence[PublicKey] = (),
    cache: Path | None = None,
    progress: Progress = ignore,
    config: TransferConfig | None = None,
    keeps: Callable[[str, bytes], bool] | None = None,
) -> FetchedVersion:
    """Fetch a version's models into the folder `into`; sound models in it are not fetched again.

    Args:
        store: the store to fetch from.
        set_id: the model set.
        version_id: the version.
        manifest_digest: the digest that the registry pins, `sha256:<hex>`.
        into: a folder; created if it does not exist.
        only: UIDs, or patterns such as `line-9*`, of the models to fetch; empty: all.
        shard: the shard whose models to fetch; None: of all shards.
        keys: if given, one of them must have signed the version.
        cache: a folder of models by digest, which concurrent fetches may share; created if needed.
        progress: is called after each part of a pack.
        config: concurrency and memory; None: the defaults.
        keeps: is called with the SHA-256 and the bytes of each fetched model, verified, in several threads;
            a model for which it returns False is not written. None: all are written.

    Raises:
        IntegrityError: the store holds other bytes than were pushed, or another manifest than the registry
            pins, or no trusted key has signed the version.
        FormatError: the bytes are as pinned, but are not a sound manifest or model.
        ObjectMissing: the version, its manifest or one of its packs is not in the store.
        StoreError: the store refused or did not answer.
        ConfigError: the folder cannot be written, `only` names no model, or the shard has none.
    """
    folder = into / manifest_digest.removeprefix("sha256:")
    # Models that are here already are not fetched again.
    is_whole = not (only or shard or cache or folder.exists())
    with ThreadPoolExecutor(_REQUESTS) as pool:
        places = (MODELS, EXAMPLES) if is_whole else ()
        early = EarlyPacks(store, set_id, manifest_digest, places, pool)
        manifest, rows = _selected_rows(store, set_id, version_id, manifest_digest, only, keys, pool)
        if shard is not None:
            rows = _rows_of_shard(manifest, rows, shard)
        names = {row.uid: file_name(manifest, row) for row in rows}
        examples = fetched_examples(folder, manifest, rows)
        try:
            into.mkdir(parents=True, exist_ok=True)
            with locked(into):
                shared = Cache(cache) if cache else None
                target = VersionFolder(
                    store,
                    manifest,
                    folder,
                    shared,
                    progress,
                    config or transfer_config.DEFAULT,
                    early.of(manifest),
                    keeps,
                )
                report = target.complete(rows)
        except OSError as error:
            place = error.filename or into
            raise ConfigError(
                f"{place}: cannot be written: {error.strerror}; check free space and permissions"
            ) from None
    return FetchedVersion(set_id, version_id, manifest, ModelPaths(folder, names), examples, report)


def fetch_bytes(
    store: Store,
    set_id: str,
    version_id: str,
    manifest_digest: str,
    *,
    only: Collection[str] = (),
    keys: Sequence[PublicKey] = (),
    progress: Progress = ignore,
    config: TransferConfig | None = None,
) -> Mapping[str, bytes]:
    """Return a version's models by UID, verified; for the arguments and errors see `fetch`."""
    models: dict[str, bytes] = {}

    def take(row: Frame, model: bytes) -> None:
        models[row.sha256] = model

    with ThreadPoolExecutor(_REQUESTS) as pool:
        early = EarlyPacks(store, set_id, manifest_digest, () if only else (MODELS,), pool)
        manifest, rows = _selected_rows(store, set_id, version_id, manifest_digest, only, keys, pool)
        config = config or transfer_config.DEFAULT
        unpack_all(store, manifest, rows, take, progress, config, early.of(manifest))
    return {row.uid: models[row.sha256] for row in rows}


def _selected_rows(
    store: Store,
    set_id: str,
    version_id: str,
    digest: str,
    only: Collection[str],
    keys: Sequence[PublicKey],
    pool: ThreadPoolExecutor,
) -> tuple[Manifest, Sequence[ModelRow]]:
    # The digest is known, so no request has to wait for another.
    commit = pool.submit(read_commit, store, set_id, version_id)
    signer = pool.submit(verify_signature, store, set_id, version_id, digest, keys) if keys else None
    try:
        manifest = read_manifest(store, set_id, version_id, digest)
    finally:
        # A fault of the commit explains the fault of the manifest.
        check_pinned(commit.result(), digest)
    if signer:
        signer.result()
    if not only:
        return manifest, manifest.models
    uids = selected(manifest, only)
    return manifest, [row for row in manifest.models if row.uid in uids]


def _rows_of_shard(manifest: Manifest, rows: Sequence[ModelRow], shard: Shard) -> Sequence[ModelRow]:
    held = [row for row in rows if shard.holds(row.uid)]
    if not held:
        where = f"set {manifest.set} version {manifest.version}"
        raise ConfigError(f"{where}: shard {shard} has none of {len(rows)} models; use fewer shards")
    return held
