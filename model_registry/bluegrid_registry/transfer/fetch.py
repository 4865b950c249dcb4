"""Fetch: a version's models out of the store, all or some of them, verified, into a folder or into memory.

    <into>/
    └── <manifest's SHA-256>/       appears when every model in it is verified
        ├── <sha256>.skops          one file or folder a model, named by its digest; devices may share one
        └── ...

All or nothing: nothing appears before all wanted models are verified. What is there already and sound is not
fetched again.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError, FormatError
from bluegrid_registry.files import locked
from bluegrid_registry.signing.signatures import verify_signature
from bluegrid_registry.stores.versions import check_pinned, error_context, read_commit, read_manifest
from bluegrid_registry.transfer import config as transfer_config
from bluegrid_registry.transfer.model_cache import Cache, is_sound, remove_model, write_model
from bluegrid_registry.transfer.progress import ProgressEvent, ignore
from bluegrid_registry.transfer.selection import selected
from bluegrid_registry.transfer.unpacker import unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from bluegrid_registry.formats.manifest import Manifest, ModelRow
    from bluegrid_registry.signing.keys import PublicKey
    from bluegrid_registry.stores import Store
    from bluegrid_registry.transfer.config import TransferConfig
    from bluegrid_registry.transfer.progress import Progress


@dataclass(frozen=True)
class FetchReport:
    """What a fetch found and did; all but `fetched_bytes` count or name models."""

    checked: int
    """Models that were verified; without an error that is all that were wanted."""
    already_there: int
    """Models that were in the folder or the cache, and sound."""
    damaged: tuple[str, ...]
    """UIDs of models that were in the folder or the cache, damaged, and have been fetched again."""
    refetched: tuple[str, ...]
    """UIDs of models that came damaged, or beside damaged ones, and were right when fetched once more."""
    extra: tuple[str, ...]
    """Names of what lies in the folder and belongs to no model of the version; it is left alone."""
    fetched_bytes: int
    """Bytes of packs that went over the wire."""


class ModelPaths(Mapping[str, Path]):
    """The model's file or folder by UID."""

    def __init__(self, folder: Path, names: Mapping[str, str]) -> None:
        self._folder = folder
        self._names = names

    def __getitem__(self, uid: str) -> Path:
        return self._folder / self._names[uid]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class FetchedVersion:
    """A verified version on disk, or the part of it that was wanted."""

    set_id: str
    version_id: str
    manifest: Manifest
    """Of the whole version."""
    paths: Mapping[str, Path]
    """The model's file or folder by UID, for the models that were wanted."""
    report: FetchReport = field(compare=False)


def fetch(
    store: Store,
    set_id: str,
    version_id: str,
    manifest_digest: str,
    into: Path,
    *,
    only: Collection[str] = (),
    keys: Sequence[PublicKey] = (),
    cache: Path | None = None,
    progress: Progress = ignore,
    config: TransferConfig | None = None,
) -> FetchedVersion:
    """Bring a version's models into the folder `into`; what is there already and sound is not fetched again.

    Args:
        store: where from.
        set_id: the model set.
        version_id: the version.
        manifest_digest: the digest that the registry pins, `sha256:<hex>`.
        into: a folder; it is made if need be.
        only: UIDs, or patterns such as `line-9*`, of the wanted models; none: all.
        keys: where given, one of these must have signed the version.
        cache: a folder of models by digest that several fetches share, at once if need be; made if need be.
        progress: is called after each part of a pack.
        config: how much is fetched at a time; None: the defaults.

    Raises:
        IntegrityError: the store holds other bytes than were pushed, or another manifest than is pinned, or
            no trusted key has signed the version.
        FormatError: the bytes are as pinned and still no sound manifest or model.
        ObjectMissing: the version, its manifest or one of its packs is not in the store.
        StoreError: the store refused or did not answer.
        ConfigError: the folder cannot be written, or `only` names no model.
    """
    manifest, rows = _wanted(store, set_id, version_id, manifest_digest, only, keys)
    folder = into / manifest_digest.removeprefix("sha256:")
    names = {row.uid: file_name(manifest, row) for row in rows}
    try:
        into.mkdir(parents=True, exist_ok=True)
        with locked(into):
            shared = Cache(cache) if cache else None
            target = _Folder(store, manifest, folder, shared, progress, config or transfer_config.DEFAULT)
            report = target.complete(rows)
    except OSError as error:
        place = error.filename or into
        raise ConfigError(f"{place}: cannot be written: {error.strerror}; give it room and rights") from None
    return FetchedVersion(set_id, version_id, manifest, ModelPaths(folder, names), report)


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
    manifest, rows = _wanted(store, set_id, version_id, manifest_digest, only, keys)
    models: dict[str, bytes] = {}

    def take(row: ModelRow, model: bytes) -> None:
        models[row.sha256] = model

    _unpack_all(store, manifest, rows, take, progress, config or transfer_config.DEFAULT)
    return {row.uid: models[row.sha256] for row in rows}


def _wanted(
    store: Store,
    set_id: str,
    version_id: str,
    digest: str,
    only: Collection[str],
    keys: Sequence[PublicKey],
) -> tuple[Manifest, Sequence[ModelRow]]:
    # The digest is known, so none has to wait for another.
    with ThreadPoolExecutor(2) as pool:
        commit = pool.submit(read_commit, store, set_id, version_id)
        signer = pool.submit(verify_signature, store, set_id, version_id, digest, keys) if keys else None
        try:
            manifest = read_manifest(store, set_id, version_id, digest)
        finally:
            # What is wrong with the commit explains what is wrong with the manifest.
            check_pinned(commit.result(), digest)
    if signer:
        signer.result()
    if not only:
        return manifest, manifest.models
    uids = selected(manifest, only)
    return manifest, [row for row in manifest.models if row.uid in uids]


def _unpack_all(
    store: Store,
    manifest: Manifest,
    rows: Sequence[ModelRow],
    take: Callable[[ModelRow, bytes], None],
    progress: Progress,
    config: TransferConfig,
) -> tuple[tuple[str, ...], int]:
    """Unpack and tell the progress; return the UIDs that were fetched twice, and the bytes fetched."""
    models, size = 0, 0
    refetched: list[str] = []
    devices = Counter(row.sha256 for row in rows)
    with error_context(manifest.set, manifest.version):
        for part in unpack(store, manifest, rows, take, config):
            models += sum(devices[row.sha256] for row in part.rows)
            size += part.bytes
            refetched.extend(row.uid for row in part.rows if part.refetched)
            progress(ProgressEvent(models=models, models_total=len(rows), bytes=size))
    return tuple(sorted(refetched)), size


def file_name(manifest: Manifest, row: ModelRow) -> str:
    """Name of the model's file or folder."""
    return f"{row.sha256}.{manifest.type.file_type}"


@dataclass(frozen=True)
class _Folder:
    """A version's folder, while the lock of the folder around it is held."""

    store: Store
    manifest: Manifest
    path: Path
    cache: Cache | None
    progress: Progress
    config: TransferConfig

    def complete(self, rows: Sequence[ModelRow]) -> FetchReport:
        """Bring what is missing or damaged of the models in `rows`."""
        partial = self.path.with_name(f".{self.path.name}.partial")
        # The lock is held: what lies here is of a fetch that was killed.
        shutil.rmtree(partial, ignore_errors=True)
        lacking, damaged = self._lacking(rows)
        extra = self._extra() if self.path.exists() else ()
        refetched: tuple[str, ...] = ()
        size = 0
        if lacking:
            partial.mkdir()
            try:
                lacking, rotten = self._from_cache(lacking, partial)
                damaged += rotten
                refetched, size = _unpack_all(
                    self.store, self.manifest, lacking, self._taker(partial), self.progress, self.config
                )
                self._publish(partial)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        return FetchReport(
            checked=len(rows),
            already_there=len(rows) - len(lacking),
            damaged=tuple(sorted(damaged)),
            refetched=refetched,
            extra=extra,
            fetched_bytes=size,
        )

    def _lacking(self, rows: Sequence[ModelRow]) -> tuple[Sequence[ModelRow], list[str]]:
        """Return the models that are missing or damaged, and the UIDs of the latter."""
        if not self.path.exists():
            return rows, []
        lacking, damaged = [], []
        for row in rows:
            try:
                if is_sound(self._at(self.path, row), row.sha256, is_folder=self._is_folder):
                    continue
                damaged.append(row.uid)
            except FileNotFoundError:
                pass
            lacking.append(row)
        return lacking, damaged

    def _from_cache(self, rows: Sequence[ModelRow], partial: Path) -> tuple[Sequence[ModelRow], list[str]]:
        """Take what the cache has; return the models that are still lacking, and UIDs of damaged ones."""
        if self.cache is None:
            return rows, []
        outcomes: dict[str, bool | None] = {}
        for row in rows:
            if row.sha256 not in outcomes:
                target = self._at(partial, row)
                outcomes[row.sha256] = self.cache.take(row.sha256, target, is_folder=self._is_folder)
        lacking = [row for row in rows if not outcomes[row.sha256]]
        return lacking, [row.uid for row in rows if outcomes[row.sha256] is False]

    def _taker(self, partial: Path) -> Callable[[ModelRow, bytes], None]:
        def take(row: ModelRow, model: bytes) -> None:
            path = self._at(partial, row)
            try:
                try:
                    write_model(path, model, is_folder=self._is_folder)
                except FileExistsError:
                    # A part that came damaged comes twice, with models that are there already.
                    remove_model(path)
                    write_model(path, model, is_folder=self._is_folder)
            except FormatError as error:
                raise FormatError(f"model {row.uid}: {error}") from None
            if self.cache:
                self.cache.keep(row.sha256, model, path, is_folder=self._is_folder)

        return take

    def _publish(self, partial: Path) -> None:
        # No fsync: a machine that loses power loses nothing that the next fetch does not see by the digests.
        if not self.path.exists():
            partial.rename(self.path)
            return
        for path in partial.iterdir():
            target = self.path / path.name
            if target.is_dir():
                shutil.rmtree(target)
            path.replace(target)

    def _extra(self) -> tuple[str, ...]:
        known = {file_name(self.manifest, row) for row in self.manifest.models}
        return tuple(sorted(path.name for path in self.path.iterdir() if path.name not in known))

    @property
    def _is_folder(self) -> bool:
        return self.manifest.type.is_folder

    def _at(self, folder: Path, row: ModelRow) -> Path:
        return folder / file_name(self.manifest, row)
