"""Models of a version before they are pushed, in memory or on a disk.

A model is a file or a folder; a folder is read as one archive of its files.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from bluegrid_registry.errors import ConfigError, FormatError
from bluegrid_registry.formats.archive import archive
from bluegrid_registry.formats.manifest import MAX_MODEL_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bluegrid_registry.formats.manifest import Example


@dataclass(frozen=True, slots=True)
class SourceModel:
    """One model that can be pushed."""

    uid: str
    content: Path | bytes
    """The model itself, or the file or folder that holds it."""
    example: Example | None = None
    file_bytes: int | None = None
    """Bytes of the file, where they are known already."""
    is_ignored: Callable[[str], bool] | None = None
    """Of a folder: which paths below it are no part of the model; None: none is."""

    @property
    def origin(self) -> str:
        """Where the model comes from, for messages."""
        return f"model {self.uid}" if isinstance(self.content, bytes) else str(self.content)

    def size(self) -> int:
        """Bytes of the model, near enough to plan with; ConfigError when it cannot be read."""
        if isinstance(self.content, bytes):
            return len(self.content)
        if self.file_bytes is not None:
            return self.file_bytes
        try:
            return _size(self.content)
        except OSError as error:
            raise self._unreadable(error) from None

    def read(self) -> bytes:
        """Return the model's bytes; those of a folder are its archive.

        Raises:
            FormatError: it is empty or too large, or a folder that is no model.
            ConfigError: it cannot be read.
        """
        if isinstance(self.content, bytes):
            data = self.content
        else:
            try:
                data = _read(self.content, self.is_ignored)
            except OSError as error:
                raise self._unreadable(error) from None
        if not 0 < len(data) <= MAX_MODEL_BYTES:
            raise FormatError(f"{self.origin}: {len(data)} bytes; a model has 1 byte to 4 GiB")
        return data

    def _unreadable(self, error: OSError) -> ConfigError:
        return ConfigError(f"{self.origin}: cannot be read: {error.strerror or error}")


class LazyModels(Sequence[SourceModel]):
    """Models that are made when they are asked for: a hundred thousand of them take little memory.

    Args:
        uids: their UIDs, sorted.
        model: makes the model with a UID.
    """

    def __init__(self, uids: Sequence[str], model: Callable[[str], SourceModel]) -> None:
        self._uids = uids
        self._model = model

    def __len__(self) -> int:
        return len(self._uids)

    @overload
    def __getitem__(self, index: int) -> SourceModel: ...
    @overload
    def __getitem__(self, index: slice) -> LazyModels: ...
    def __getitem__(self, index: int | slice) -> SourceModel | LazyModels:
        if isinstance(index, slice):
            return LazyModels(self._uids[index], self._model)
        return self._model(self._uids[index])


def _size(path: Path) -> int:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        return sum(file.lstat().st_size for file in path.rglob("*"))
    return status.st_size


def _read(path: Path, is_ignored: Callable[[str], bool] | None) -> bytes:
    # There may be a hundred thousand; a file object would take as long as the reading.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            return archive(path, is_ignored)
        data = os.read(descriptor, status.st_size + 1)
        if len(data) == status.st_size:
            return data
        # It grows just now, or is more than the system gives at once.
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            return data + file.readall()
    finally:
        os.close(descriptor)
