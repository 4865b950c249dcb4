"""The models of a version before they are pushed: in memory, or in a folder with their recorded examples.

A model is a file or a folder; a folder is read as one archive of its files.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from pydantic import TypeAdapter, ValidationError

from model_registry.errors import ConfigError, FormatError
from model_registry.formats.folder import archive
from model_registry.formats.manifest import MAX_MODEL_BYTES, Example
from model_registry.names import check_uid

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from model_registry.model_types.model_type import ModelType

EXAMPLES = "examples.json"

_EXAMPLES = TypeAdapter(dict[str, Example])


@dataclass(frozen=True, slots=True)
class SourceModel:
    """One model that can be pushed."""

    uid: str
    content: Path | bytes
    """The model itself, or the file or folder that holds it."""
    example: Example | None = None
    file_bytes: int | None = None
    """Bytes of the file, where they are known already."""

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
                data = _read(self.content)
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


def models_in_folder(folder: Path, model_type: ModelType) -> Sequence[SourceModel]:
    """Return the models in `folder`, sorted by UID.

    A model is a file (or, for such types, a folder) `<uid>.<suffix>`. `examples.json`, where it exists, holds
    recorded examples by UID: `{"line-17": {"inputs": [[1.0, 2.0]], "outputs": [0.5], "rtol": 1e-6, "atol":
    1e-9}}`. Other files are ignored.

    Raises:
        ConfigError: there is no such folder, or no model in it.
        FormatError: a file's name is no UID, or the examples are not what they should be.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder; name the folder of the models")
    examples = _examples(folder / EXAMPLES)
    suffix = f".{model_type.file_type}"
    sizes: dict[str, int | None] = {}
    # Only of files that are not named as their UID is written: there may be a hundred thousand.
    names: dict[str, str] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.endswith(suffix):
                continue
            # Some file systems keep names decomposed; a UID has one form.
            uid = unicodedata.normalize("NFC", entry.name.removesuffix(suffix))
            try:
                check_uid(uid)
            except ValueError as error:
                raise FormatError(f"{folder}: {entry.name!a}: {error}; rename the file") from None
            if entry.name != uid + suffix:
                names[uid] = entry.name
            # Asked for now: once threads read models, it takes ten times as long to get to run in between.
            sizes[uid] = None if model_type.is_folder else _size_of(entry)
    if not sizes:
        raise ConfigError(f"{folder}: no model in it; a model of this set is a file <uid>{suffix}")
    if strays := examples.keys() - sizes.keys():
        raise FormatError(f"{folder / EXAMPLES}: {min(strays)} has an example and no model")
    return LazyModels(
        sorted(sizes),
        lambda uid: SourceModel(uid, folder / names.get(uid, uid + suffix), examples.get(uid), sizes[uid]),
    )


def _examples(path: Path) -> dict[str, Example]:
    if not path.exists():
        return {}
    try:
        return _EXAMPLES.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "whole"
        raise FormatError(f"{path}: {place}: {first['msg'].removeprefix('Value error, ')}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None


def _size(path: Path) -> int:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        return sum(file.lstat().st_size for file in path.rglob("*"))
    return status.st_size


def _size_of(entry: os.DirEntry[str]) -> int | None:
    try:
        return entry.stat().st_size
    except OSError:
        # Whatever is wrong with it is told when it is read.
        return None


def _read(path: Path) -> bytes:
    # There may be a hundred thousand; a file object would take as long as the reading.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            return archive(path)
        data = os.read(descriptor, status.st_size + 1)
        if len(data) == status.st_size:
            return data
        # It grows just now, or is more than the system gives at once.
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            return data + file.readall()
    finally:
        os.close(descriptor)
