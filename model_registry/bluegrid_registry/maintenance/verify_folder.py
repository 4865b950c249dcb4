"""Verify a folder: reads the models again that a fetch has written; another `fetch` repairs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError
from bluegrid_registry.formats.manifest import ExamplesFrame, frames_of
from bluegrid_registry.stores.versions import read_manifest
from bluegrid_registry.transfer.model_cache import is_sound
from bluegrid_registry.transfer.version_folder import file_name, file_names

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry.registry_files.version_rows import Version
    from bluegrid_registry.stores import Store


@dataclass(frozen=True)
class FolderReport:
    """The state of a fetched version's folder, by UID; a model with its recorded examples is one."""

    checked: int
    """Number of models that exist and are sound."""
    damaged: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    """Names of files that do not belong to the version."""

    @property
    def is_sound(self) -> bool:
        """Whether every model of the version exists and is sound."""
        return not (self.damaged or self.missing)


def verify_folder(store: Store, set_id: str, version: Version, into: Path) -> FolderReport:
    """Read the models again that `fetch` has written into the folder `into`.

    Raises:
        ConfigError: the folder does not exist, or it cannot be read.
        ObjectMissing, IntegrityError, FormatError, StoreError: as `read_manifest`.
    """
    manifest = read_manifest(store, set_id, version.id, version.manifest)
    folder = into / version.manifest.removeprefix("sha256:")
    damaged: set[str] = set()
    missing: set[str] = set()
    try:
        if not folder.is_dir():
            raise ConfigError(f"{into}: version {version.id} of set {set_id} is not in it; fetch it")
        for frame in frames_of(manifest.models):
            path = folder / file_name(manifest, frame)
            is_folder = manifest.type.is_folder and not isinstance(frame, ExamplesFrame)
            try:
                if not is_sound(path, frame.sha256, is_folder=is_folder):
                    damaged.add(frame.uid)
            except FileNotFoundError:
                missing.add(frame.uid)
        known = file_names(manifest)
        extra = sorted(path.name for path in folder.iterdir() if path.name not in known)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be read: {error.strerror}; check its permissions") from None
    damaged -= missing
    checked = len(manifest.models) - len(damaged) - len(missing)
    return FolderReport(checked, tuple(sorted(damaged)), tuple(sorted(missing)), tuple(extra))
