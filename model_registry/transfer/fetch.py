"""Fetch: a version's models out of the store into a folder, verified, all or none.

    <into>/
    └── <manifest's SHA-256>/       appears when every model in it is verified
        ├── <sha256>.skops          one file a model, named by its own digest; devices may share one
        └── ...

A damaged byte is fetched once more, since it may have been damaged on its way; then the whole fetch fails,
naming set, version, model and pack.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_registry.errors import ConfigError, FormatError, IntegrityError
from model_registry.files import locked
from model_registry.formats.checksums import sha256_hex
from model_registry.formats.layout import pack_key
from model_registry.formats.pack import PackEntry, read_index, read_model
from model_registry.transfer.progress import ProgressEvent, ignore
from model_registry.transfer.ranges import Span, spans
from model_registry.transfer.reading import about, read_commit, read_manifest, twice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from model_registry.formats.manifest import Manifest, ModelRow, PackRow
    from model_registry.stores import Store
    from model_registry.transfer.progress import Progress

PARALLEL = 4
"""Packs under way at a time; each is held in memory."""


@dataclass(frozen=True)
class FetchedVersion:
    """A verified version on disk."""

    set_id: str
    version_id: str
    manifest: Manifest
    paths: Mapping[str, Path]
    """The model's file by UID."""


def fetch(
    store: Store,
    set_id: str,
    version_id: str,
    manifest_digest: str,
    into: Path,
    progress: Progress = ignore,
) -> FetchedVersion:
    """Bring a version's models into the folder `into`; what is there already and sound is not fetched again.

    Args:
        store: where from.
        set_id: the model set.
        version_id: the version.
        manifest_digest: the digest that the registry pins, `sha256:<hex>`.
        into: a folder; it is made if need be.
        progress: is told after each pack.

    Raises:
        IntegrityError: the store holds other bytes than were pushed, or another manifest than is pinned.
        FormatError: the bytes are as pinned and still no sound manifest or pack.
        ObjectMissing: the version, its manifest or one of its packs is not in the store.
        StoreError: the store refused or did not answer.
        ConfigError: the folder cannot be written.
    """
    commit = read_commit(store, set_id, version_id)
    if commit.manifest != manifest_digest:
        differs = f"published as manifest {commit.manifest[:15]}, pinned as {manifest_digest[:15]}"
        raise IntegrityError(f"set {set_id} version {version_id}: {differs}; mend the registry's digest")
    manifest = read_manifest(store, set_id, version_id, manifest_digest)
    folder = into / manifest_digest.removeprefix("sha256:")
    paths = {row.uid: folder / _file_name(manifest, row) for row in manifest.models}
    try:
        into.mkdir(parents=True, exist_ok=True)
        with locked(into):
            if not _holds(manifest, paths):
                _fetch_folder(store, manifest, folder, progress)
    except OSError as error:
        raise ConfigError(f"{into}: cannot be written: {error.strerror}; give it room and rights") from None
    return FetchedVersion(set_id, version_id, manifest, paths)


def _file_name(manifest: Manifest, row: ModelRow) -> str:
    return f"{row.sha256}.{manifest.type.file_type}"


def _holds(manifest: Manifest, paths: Mapping[str, Path]) -> bool:
    for row in manifest.models:
        try:
            with paths[row.uid].open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != row.sha256:
                    return False
        except FileNotFoundError:
            return False
    return True


def _fetch_folder(store: Store, manifest: Manifest, folder: Path, progress: Progress) -> None:
    partial = folder.with_name(f".{folder.name}.partial")
    # The lock is held: what lies here is of a fetch that was killed, or has been damaged since.
    for leftover in (partial, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir()
    try:
        with about(manifest.set, manifest.version):
            _fetch_packs(store, manifest, partial, progress)
        # No fsync: a machine that loses power loses nothing that the next fetch does not see by the digests.
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fetch_packs(store: Store, manifest: Manifest, folder: Path, progress: Progress) -> None:
    rows_by_pack: dict[str, list[ModelRow]] = defaultdict(list)
    for row in manifest.models:
        rows_by_pack[row.pack].append(row)
    models, size = 0, 0
    with ThreadPoolExecutor(PARALLEL) as pool:
        futures = [
            pool.submit(_fetch_pack, store, manifest, pack, rows_by_pack[pack.sha256], folder)
            for pack in manifest.packs
        ]
        try:
            for future in as_completed(futures):
                fetched, fetched_bytes = future.result()
                models, size = models + fetched, size + fetched_bytes
                progress(ProgressEvent(models=models, models_total=len(manifest.models), bytes=size))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _fetch_pack(
    store: Store, manifest: Manifest, pack: PackRow, rows: Sequence[ModelRow], folder: Path
) -> tuple[int, int]:
    size = 0
    for span in spans(pack, rows):
        twice(functools.partial(_fetch_span, store, manifest, pack, span, folder))
        size += span.length
    return len(rows), size


def _fetch_span(store: Store, manifest: Manifest, pack: PackRow, span: Span, folder: Path) -> None:
    key = pack_key(manifest.set, pack.sha256)
    is_whole = span.length == pack.size
    data = store.get(key) if is_whole else store.get_range(key, span.offset, span.length)
    for row, model in _models(data, pack, span):
        (folder / _file_name(manifest, row)).write_bytes(model)
    if is_whole:
        _check_whole(data, pack, span.rows)


def _models(data: bytes, pack: PackRow, span: Span) -> Iterator[tuple[ModelRow, bytes]]:
    view = memoryview(data)
    for row in span.rows:
        start = row.offset - span.offset
        try:
            yield row, read_model(view[start : start + row.length], row.raw_length, row.sha256)
        except IntegrityError as error:
            raise IntegrityError(f"model {row.uid} in pack {pack.sha256[:8]}: {error}") from None


def _check_whole(data: bytes, pack: PackRow, rows: Sequence[ModelRow]) -> None:
    if sha256_hex(data) != pack.sha256:
        raise IntegrityError(f"pack {pack.sha256[:8]}: SHA-256 differs, outside of this version's models")
    listed = set(read_index(data))
    for row in rows:
        if PackEntry(row.offset, row.length, row.raw_length, row.sha256) not in listed:
            raise FormatError(f"model {row.uid} in pack {pack.sha256[:8]}: is not in the pack's index")
