"""The registry while it is edited.

An edit holds the folder's lock, checks the registry with the change, and replaces one file. No crash, mistake
or concurrent edit leaves a broken registry. Rows of versions are read of the edited file alone: they are
nearly all of the text, and no rule is between rows of two files. `Registry.load` checks all of them.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bluegrid_registry.errors import ConfigError, RegistryError
from bluegrid_registry.files import locked, write_whole
from bluegrid_registry.registry_files.file_source import outline_of, read_file
from bluegrid_registry.registry_files.model_set_schema import RegistryFile
from bluegrid_registry.registry_files.registry import (
    check_folder,
    checked,
    plain_data,
    read_folder,
    read_sources,
)
from bluegrid_registry.registry_files.yaml_edit import rewritten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bluegrid_registry.registry_files.registry import Registry
    from bluegrid_registry.registry_files.service_schema import Service
    from bluegrid_registry.registry_files.yaml_source import YamlSource


@dataclass(frozen=True)
class Opened:
    """The registry's files, while its lock is held.

    Attributes:
        folder: of the files.
        sources: the files, without the rows of their versions.
    """

    folder: Path
    sources: Mapping[Path, YamlSource]
    _outlines: Registry

    def path(self, file: RegistryFile) -> Path:
        """Return the path of the set's file."""
        return self.folder / f"{file.set.id}.yaml"

    def of_set(self, set_id: str) -> RegistryFile:
        """Return the file of the set with this ID; RegistryError if there is none, or it has mistakes."""
        return self._whole(self._outlines.of_set(set_id))

    def service(self, name: str) -> tuple[RegistryFile, Service]:
        """Return the file and the service with this name; RegistryError as for `of_set`."""
        return self._whole(self._outlines.of_service(name)), self._outlines.service(name)

    def _whole(self, outline: RegistryFile) -> RegistryFile:
        """Return the file with its versions."""
        path = self.path(outline)
        return self._checked(path, read_file(self.sources[path].text)).of_set(outline.set.id)

    def change(self, file: RegistryFile, **changes: object) -> None:
        """Change values of the file; the rest of its text stays the same."""
        changed = file.model_copy(update=changes)
        self.write(changed, rewritten(self.sources[self.path(file)], plain_data(file), plain_data(changed)))

    def change_data(self, file: RegistryFile, data: Mapping[str, Any]) -> RegistryFile:
        """Change the file to plain data that may have mistakes, and return it.

        Raises:
            RegistryError: the data have mistakes; the message has the lines that they would have in the file.
        """
        source = rewritten(self.sources[self.path(file)], plain_data(file), data)
        self._checked(self.path(file), source)
        changed = RegistryFile.model_validate(data)
        self.write(changed, source)
        return changed

    def write(self, file: RegistryFile, source: YamlSource) -> None:
        """Replace the file by the text of `source`, which must parse to exactly `file`."""
        path = self.path(file)
        if self._checked(path, source).of_set(file.set.id) != file:
            raise RegistryError(f"{path}: is laid out in a way that cannot be edited safely; edit it by hand")
        try:
            write_whole(path, source.text.encode())
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written: {error.strerror}") from None

    def _checked(self, path: Path, source: YamlSource) -> Registry:
        """Return the registry with one file in another form; the others were checked when it was opened."""
        known = {self.path(file): file for file in self._outlines.files} if path in self.sources else {}
        known.pop(path, None)
        return checked({**self.sources, path: source}, known)


@contextmanager
def open_registry(folder: Path) -> Iterator[Opened]:
    """Hold the registry's lock, and read the registry; RegistryError if it has mistakes."""
    check_folder(folder)
    with locked(folder):
        outlines = {path: outline_of(text) for path, text in read_folder(folder).items()}
        try:
            registry = checked(outlines)
        except RegistryError:
            # With the mistakes in rows of versions, too.
            checked(read_sources(folder))
            raise
        yield Opened(folder, outlines, registry)
