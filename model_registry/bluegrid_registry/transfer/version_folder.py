"""A version's folder on a disk: sound models stay, missing and damaged models are fetched.

<into>/
└── <manifest's SHA-256>/       appears when all models in it are verified
    ├── <sha256>.skops          one file or folder a model, named by its digest; devices may share one
    └── ...
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid_registry.errors import FormatError
from bluegrid_registry.transfer.model_cache import Cache, CacheOutcome, is_sound, remove_model, write_model
from bluegrid_registry.transfer.unpacker import unpack_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bluegrid_registry.formats.manifest import Manifest, ModelRow
    from bluegrid_registry.stores import Store
    from bluegrid_registry.transfer.config import TransferConfig
    from bluegrid_registry.transfer.progress import Progress


@dataclass(frozen=True)
class FetchReport:
    """The result of a fetch; all fields but `fetched_bytes` are about models."""

    checked: int
    """Verified models: all requested models, unless there was an error."""
    already_there: int
    """Sound models that were in the folder or the cache."""
    damaged: tuple[str, ...]
    """UIDs of damaged models in the folder or the cache that were fetched again."""
    refetched: tuple[str, ...]
    """UIDs of models in parts of packs that were damaged in transit, and sound when fetched once more."""
    extra: tuple[str, ...]
    """Names in the folder that belong to no model of the version; they are not changed."""
    fetched_bytes: int
    """Bytes of packs that were transferred."""


class ModelPaths(Mapping[str, Path]):
    """Paths of models' files or folders, by UID."""

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
class VersionFolder:
    """A version's folder, while the caller holds the lock of its parent folder."""

    store: Store
    manifest: Manifest
    path: Path
    cache: Cache | None
    progress: Progress
    config: TransferConfig

    def complete(self, rows: Sequence[ModelRow]) -> FetchReport:
        """Fetch the missing and damaged models of `rows`."""
        partial = self.path.with_name(f".{self.path.name}.partial")
        # The caller holds the lock, so an existing folder is a leftover of a killed fetch.
        shutil.rmtree(partial, ignore_errors=True)
        missing, damaged = self._missing(rows)
        extra = self._extra() if self.path.exists() else ()
        refetched: tuple[str, ...] = ()
        size = 0
        if missing:
            partial.mkdir()
            try:
                missing, damaged_in_cache = self._from_cache(missing, partial)
                damaged += damaged_in_cache
                refetched, size = unpack_all(
                    self.store, self.manifest, missing, self._taker(partial), self.progress, self.config
                )
                self._publish(partial)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        return FetchReport(
            checked=len(rows),
            already_there=len(rows) - len(missing),
            damaged=tuple(sorted(damaged)),
            refetched=refetched,
            extra=extra,
            fetched_bytes=size,
        )

    def _missing(self, rows: Sequence[ModelRow]) -> tuple[Sequence[ModelRow], list[str]]:
        """Return the models that are missing or damaged, and the UIDs of the damaged models."""
        if not self.path.exists():
            return rows, []
        missing, damaged = [], []
        for row in rows:
            try:
                if is_sound(self._at(self.path, row), row.sha256, is_folder=self._is_folder):
                    continue
                damaged.append(row.uid)
            except FileNotFoundError:
                pass
            missing.append(row)
        return missing, damaged

    def _from_cache(self, rows: Sequence[ModelRow], partial: Path) -> tuple[Sequence[ModelRow], list[str]]:
        """Take models from the cache; return the models that are still missing, and UIDs of damaged ones."""
        if self.cache is None:
            return rows, []
        outcomes: dict[str, CacheOutcome] = {}
        for row in rows:
            if row.sha256 not in outcomes:
                target = self._at(partial, row)
                outcomes[row.sha256] = self.cache.take(row.sha256, target, is_folder=self._is_folder)
        missing = [row for row in rows if outcomes[row.sha256] is not CacheOutcome.TAKEN]
        return missing, [row.uid for row in rows if outcomes[row.sha256] is CacheOutcome.DAMAGED]

    def _taker(self, partial: Path) -> Callable[[ModelRow, bytes], None]:
        def take(row: ModelRow, model: bytes) -> None:
            path = self._at(partial, row)
            try:
                try:
                    write_model(path, model, is_folder=self._is_folder)
                except FileExistsError:
                    # A damaged part is fetched twice, and some of its models may have been written before.
                    remove_model(path)
                    write_model(path, model, is_folder=self._is_folder)
            except FormatError as error:
                raise FormatError(f"model {row.uid}: {error}") from None
            if self.cache:
                self.cache.keep(row.sha256, model, path, is_folder=self._is_folder)

        return take

    def _publish(self, partial: Path) -> None:
        # No fsync: after a power failure, the next fetch finds damage by the digests.
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


def file_name(manifest: Manifest, row: ModelRow) -> str:
    """Name of the model's file or folder."""
    return f"{row.sha256}.{manifest.type.file_type}"
