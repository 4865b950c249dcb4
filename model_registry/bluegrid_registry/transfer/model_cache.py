"""Models on a local disk, each a file or folder, and a cache of models that many fetches share.

    <cache>/
    └── <aa>/<sha256>       the model's bytes, read-only; <aa> are the first two digits

A model is put into the cache and taken out by a hard link if the file system has them, otherwise by a copy.
It is verified when it is taken out: bytes on a disk may change over weeks.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from bluegrid_registry.errors import FormatError
from bluegrid_registry.files import partial
from bluegrid_registry.formats.archive import archive, extract
from bluegrid_registry.formats.checksums import sha256_hex

if TYPE_CHECKING:
    from pathlib import Path


def write_model(path: Path, model: bytes, *, is_folder: bool) -> None:
    """Write the model to `path`, which must not exist, as a file or as a folder."""
    if is_folder:
        extract(model, path)
        return
    # For thousands of small files, Python's buffers would take as long as the writes.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        view = memoryview(model)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)


def is_sound(path: Path, sha256: str, *, is_folder: bool) -> bool:
    """Whether the model at `path` has this SHA-256; FileNotFoundError if there is no model."""
    if is_folder:
        if not path.is_dir():
            raise FileNotFoundError(path)
        try:
            return sha256_hex(archive(path)) == sha256
        except FormatError:
            return False
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def remove_model(path: Path) -> None:
    """Remove the model at `path`, if there is one."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class CacheOutcome(Enum):
    """The outcome of `Cache.take`."""

    TAKEN = auto()
    ABSENT = auto()
    DAMAGED = auto()
    """The model was damaged, and was removed from the cache."""


@dataclass(frozen=True)
class Cache:
    """Models by digest, in a folder that concurrent fetches use without a lock."""

    root: Path

    def take(self, sha256: str, target: Path, *, is_folder: bool) -> CacheOutcome:
        """Link or copy the model to `target` if it is in the cache and sound."""
        path = self._path(sha256)
        try:
            if not is_sound(path, sha256, is_folder=False):
                path.unlink(missing_ok=True)
                return CacheOutcome.DAMAGED
            if is_folder:
                extract(path.read_bytes(), target)
            else:
                _link(path, target)
        except FileNotFoundError:
            return CacheOutcome.ABSENT
        return CacheOutcome.TAKEN

    def keep(self, sha256: str, model: bytes, source: Path, *, is_folder: bool) -> None:
        """Add the model, which has just been written to `source`, to the cache."""
        path = self._path(sha256)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        # No fsync: models are verified when they are taken.
        with partial(path) as temporary:
            if is_folder:
                write_model(temporary, model, is_folder=False)
            else:
                _link(source, temporary)
            temporary.chmod(0o444)
            temporary.replace(path)

    def _path(self, sha256: str) -> Path:
        return self.root / sha256[:2] / sha256


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        # The target is on another file system, or the file system has no hard links.
        shutil.copyfile(source, target)
