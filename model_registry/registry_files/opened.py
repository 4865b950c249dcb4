"""The registry, opened for an edit: one at a time, checked as a whole, written in one step.

An edit holds the folder's lock, is checked with the whole registry as it will be, and replaces one file: a
crash, a second edit at the same time or a mistake leaves a registry that is whole.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from model_registry.errors import ConfigError, RegistryError
from model_registry.files import locked, write_whole
from model_registry.registry_files.registry import Registry, check_folder, parse, read_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from model_registry.registry_files.schema import RegistryFile, Service


@dataclass(frozen=True)
class Opened:
    """The registry's files, under its lock."""

    folder: Path
    texts: Mapping[Path, str]
    registry: Registry

    def path(self, file: RegistryFile) -> Path:
        """Return the path of the set's file."""
        return self.folder / f"{file.set.id}.yaml"

    def text(self, file: RegistryFile) -> str:
        """Return what the file says now."""
        return self.texts[self.path(file)]

    def service(self, name: str) -> tuple[RegistryFile, Service]:
        """Return the service with this name, and its file; RegistryError when there is none."""
        file = self.registry.of_service(name)
        return file, cast("Service", file.service)

    def write(self, file: RegistryFile, text: str) -> None:
        """Replace the file by `text`, which must say exactly what `file` says."""
        path = self.path(file)
        if parse({**self.texts, path: text}).of_set(file.set.id) != file:
            raise RegistryError(f"{path}: is laid out in a way that cannot be edited safely; edit it by hand")
        try:
            write_whole(path, text.encode())
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror}") from None


@contextmanager
def open_registry(folder: Path) -> Iterator[Opened]:
    """Hold the registry's lock and read it; RegistryError when it has mistakes."""
    check_folder(folder)
    with locked(folder):
        texts = read_folder(folder)
        yield Opened(folder, texts, parse(texts))
