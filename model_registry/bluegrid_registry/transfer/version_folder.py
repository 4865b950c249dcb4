"""A version's folder on a disk: sound models stay, missing and damaged models are fetched.

<into>/
└── <manifest's SHA-256>/           appears when all models in it are verified
    ├── <sha256>.skops              one file or folder a model, named by its digest; devices may share one
    ├── <sha256>.examples.json      the recorded examples of a model; models may share one
    └── ...
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid_registry.errors import FormatError
from bluegrid_registry.formats.manifest import ExamplesFrame, frames_of
from bluegrid_registry.transfer.model_cache import Cache, CacheOutcome, is_sound, remove_model, write_model
from bluegrid_registry.transfer.unpacker import unpack_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bluegrid_registry.formats.manifest import Frame, Manifest, ModelRow
    from bluegrid_registry.stores import Store
    from bluegrid_registry.transfer.config import TransferConfig
    from bluegrid_registry.transfer.progress import Progress
    from bluegrid_registry.transfer.unpacker import Early


@dataclass(frozen=True)
class FetchReport:
    """The result of a fetch; all fields but `fetched_bytes` are about models, with their examples."""

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
    early: Early
    """Copies of packs that were requested already."""
    keeps: Callable[[str, bytes], bool] | None = None
    """Whether a fetched model is written, by its SHA-256 and its bytes; None: all are."""

    def complete(self, rows: Sequence[ModelRow]) -> FetchReport:
        """Fetch the missing and damaged models of `rows`."""
        partial = self.path.with_name(f".{self.path.name}.partial")
        # The caller holds the lock, so an existing folder is a leftover of a killed fetch.
        shutil.rmtree(partial, ignore_errors=True)
        missing, damaged = self._missing(frames_of(rows))
        extra = self._extra() if self.path.exists() else ()
        refetched: tuple[str, ...] = ()
        size = 0
        if missing:
            partial.mkdir()
            try:
                missing, damaged_in_cache = self._from_cache(missing, partial)
                damaged += damaged_in_cache
                take = self._taker(partial)
                refetched, size = unpack_all(
                    self.store, self.manifest, missing, take, self.progress, self.config, self.early
                )
                self._publish(partial)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        return FetchReport(
            checked=len(rows),
            already_there=len(rows) - len({frame.uid for frame in missing}),
            damaged=tuple(sorted(set(damaged))),
            refetched=refetched,
            extra=extra,
            fetched_bytes=size,
        )

    def _missing(self, frames: Sequence[Frame]) -> tuple[Sequence[Frame], list[str]]:
        """Return the frames that are missing or damaged, and the UIDs of the models of the damaged ones."""
        if not self.path.exists():
            return frames, []
        missing, damaged = [], []
        for frame in frames:
            try:
                if is_sound(self._at(self.path, frame), frame.sha256, is_folder=self._is_folder(frame)):
                    continue
                damaged.append(frame.uid)
            except FileNotFoundError:
                pass
            missing.append(frame)
        return missing, damaged

    def _from_cache(self, frames: Sequence[Frame], partial: Path) -> tuple[Sequence[Frame], list[str]]:
        """Take frames from the cache; return those that are still missing, and UIDs of damaged ones."""
        if self.cache is None:
            return frames, []
        outcomes: dict[str, CacheOutcome] = {}
        for frame in frames:
            target = self._at(partial, frame)
            if target.name not in outcomes:
                taken = self.cache.take(frame.sha256, target, is_folder=self._is_folder(frame))
                outcomes[target.name] = taken
        found = [(frame, outcomes[file_name(self.manifest, frame)]) for frame in frames]
        missing = [frame for frame, outcome in found if outcome is not CacheOutcome.TAKEN]
        return missing, [frame.uid for frame, outcome in found if outcome is CacheOutcome.DAMAGED]

    def _taker(self, partial: Path) -> Callable[[Frame, bytes], None]:
        def take(frame: Frame, data: bytes) -> None:
            is_model = not isinstance(frame, ExamplesFrame)
            if is_model and self.keeps is not None and not self.keeps(frame.sha256, data):
                return
            path, is_folder = self._at(partial, frame), self._is_folder(frame)
            try:
                try:
                    write_model(path, data, is_folder=is_folder)
                except FileExistsError:
                    # A damaged part is fetched twice, and some of its models may have been written before.
                    remove_model(path)
                    write_model(path, data, is_folder=is_folder)
            except FormatError as error:
                raise FormatError(f"model {frame.uid}: {error}") from None
            if self.cache:
                self.cache.keep(frame.sha256, data, path, is_folder=is_folder)

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
        known = file_names(self.manifest)
        return tuple(sorted(path.name for path in self.path.iterdir() if path.name not in known))

    def _is_folder(self, frame: Frame) -> bool:
        return self.manifest.type.is_folder and not isinstance(frame, ExamplesFrame)

    def _at(self, folder: Path, frame: Frame) -> Path:
        return folder / file_name(self.manifest, frame)


def file_name(manifest: Manifest, frame: Frame) -> str:
    """Name of a model's file or folder, or of the file of its recorded examples."""
    is_examples = isinstance(frame, ExamplesFrame)
    return f"{frame.sha256}.{'examples.json' if is_examples else manifest.type.file_type}"


def file_names(manifest: Manifest) -> set[str]:
    """Names of all files and folders of a version."""
    return {file_name(manifest, frame) for frame in frames_of(manifest.models)}
