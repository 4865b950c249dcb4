"""The registry: all files of its folder, read and checked together.

    registry/
    ├── g1.yaml     model set g1: its versions, its service, the service's clusters
    └── g2.yaml     model set g2

All mistakes of all files are reported at once, each with file:line, so that they can be fixed in one pass.
What concerns one set reads its file alone: `one_file`, `edits`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from bluegrid_registry.errors import ConfigError, RegistryError
from bluegrid_registry.registry_files import cross_checks
from bluegrid_registry.registry_files.file_source import read_file
from bluegrid_registry.registry_files.lookup import pick
from bluegrid_registry.registry_files.model_set_schema import RegistryFile
from bluegrid_registry.registry_files.offered import offered
from bluegrid_registry.registry_files.region_replicas import AS_DECLARED
from bluegrid_registry.registry_files.schema_errors import note_errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bluegrid_registry.registry_files.offered import OfferedService
    from bluegrid_registry.registry_files.region_replicas import Sizes
    from bluegrid_registry.registry_files.service_schema import Service
    from bluegrid_registry.registry_files.yaml_source import YamlSource


_REMEMBERED = 256_000_000
"""Bytes of memory up to which a parsed registry is kept; the update server reads it again and again."""
_BYTES, _BYTES_WITH_PLACES = 3, 40
"""Memory of a character of a file, and with the places of all values."""


@dataclass
class _LastRead:
    """The registry without mistakes that was read last, and the sources of all files by their text."""

    sources: Mapping[str, YamlSource] = field(default_factory=dict)
    checked: tuple[Mapping[str, str], Registry | None] = ({}, None)
    """Texts by name of file, and what they say; one value, because threads share it."""


@dataclass(frozen=True)
class Registry:
    """Sets, versions and services, for every region.

    Attributes:
        files: what the files of the folder say.
        is_whole: whether these are all files of the folder.
    """

    files: tuple[RegistryFile, ...]
    is_whole: bool = True

    @classmethod
    def load(cls, folder: Path) -> Registry:
        """Read the registry in `folder`.

        Raises:
            ConfigError: there is no such folder, or a file cannot be read.
            RegistryError: the files have mistakes; the message has one line for each.
        """
        return parse(read_folder(folder))

    def of_set(self, set_id: str) -> RegistryFile:
        """Return the file of the set with this ID; RegistryError, with the declared IDs, if there is none."""
        return pick({file.set.id: file for file in self.files}, set_id, f"no set {set_id}")

    def of_service(self, name: str) -> RegistryFile:
        """Return the file of the service with this name; RegistryError if there is none."""
        online = {file.service.name: file for file in self.files if file.service}
        return pick(online, name, f"no service {name}")

    def service(self, name: str) -> Service:
        """Return the service with this name, or raise RegistryError naming those that exist."""
        # A file that `of_service` returns has a service.
        return cast("Service", self.of_service(name).service)

    def in_region(self, region: str, *, if_named: bool = False) -> tuple[RegistryFile, ...]:
        """Return the files whose service is offered in `region`."""
        return tuple(
            file for file in self.files if file.service and file.service.is_in(region, if_named=if_named)
        )

    def offered(
        self, region: str, sizes: Sizes = AS_DECLARED, *, if_named: bool = False
    ) -> dict[str, OfferedService]:
        """Return the services that a region runs, by name, in the order of the files.

        Args:
            region: name of the region.
            sizes: the region's own numbers of pods.
            if_named: whether the region has only services that name it.

        Raises:
            ConfigError: `sizes` names a cluster that the region does not have.
        """
        if self.is_whole:
            files = self.in_region(region, if_named=if_named)
            sizes.check(file.service for file in files if file.service)
        return offered(self.files, region, sizes, if_named=if_named)


_last = _LastRead()


def check_folder(folder: Path) -> None:
    """Raise ConfigError if the folder does not exist: a wrong name must not give an empty registry."""
    if not folder.is_dir():
        raise ConfigError(
            f"registry {folder}: no such folder; make it, or name the folder of the <set>.yaml files"
        )


def paths_in(folder: Path) -> list[Path]:
    """Return the registry files in `folder`, by name; ConfigError if it does not exist."""
    check_folder(folder)
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix in (".yaml", ".yml") and not path.name.startswith(".")
    )


def read_folder(folder: Path) -> dict[Path, str]:
    """Return the text of every registry file in `folder`; ConfigError if one cannot be read."""
    return {path: read_text(path) for path in paths_in(folder)}


def read_text(path: Path) -> str:
    """Return the text of a registry file; ConfigError if it cannot be read."""
    try:
        # newline="" keeps line ends, so that an edit can keep them too.
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: cannot be read: {error}; a registry file is UTF-8 text") from None


def read_sources(folder: Path) -> dict[Path, YamlSource]:
    """Return the registry files in `folder`, parsed; ConfigError if one cannot be read."""
    return _sources(read_folder(folder))


def _sources(texts: Mapping[Path, str]) -> dict[Path, YamlSource]:
    """Return the parsed files; those whose text was parsed the last time are not parsed again."""
    parsed = {text: _last.sources.get(text) or read_file(text) for text in texts.values()}
    if _memory_of(parsed) <= _REMEMBERED:
        _last.sources = parsed
    # Checks note mistakes in what they are given.
    return {path: replace(parsed[text], mistakes=[*parsed[text].mistakes]) for path, text in texts.items()}


def _memory_of(parsed: Mapping[str, YamlSource]) -> int:
    return sum(
        len(text) * (_BYTES_WITH_PLACES if source.has_places else _BYTES) for text, source in parsed.items()
    )


def parse(texts: Mapping[Path, str]) -> Registry:
    """Return the registry of these files.

    Raises:
        RegistryError: there are mistakes; the message has one line for each.
    """
    names = {path.name: text for path, text in texts.items()}
    # Checks depend on the names and texts of the files, not on their folder.
    last_names, last_registry = _last.checked
    if last_registry is not None and last_names == names:
        return last_registry
    registry = checked(_sources(texts))
    if _BYTES * sum(map(len, names.values())) <= _REMEMBERED:
        _last.checked = names, registry
    return registry


def checked(sources: Mapping[Path, YamlSource], known: Mapping[Path, RegistryFile] | None = None) -> Registry:
    """Return the registry of parsed files; otherwise as `parse`.

    Args:
        sources: the parsed files.
        known: what some of them say, which were checked before beside files of the same names.
    """
    files = _checked_files(sources, known or {})
    if lines := [f"{path}:{line}" for path, lines in _mistakes(sources).items() for line in lines]:
        raise RegistryError("\n".join(lines))
    return Registry(tuple(files))


def mistakes_in(texts: Mapping[Path, str]) -> Mapping[Path, tuple[str, ...]]:
    """Return the mistakes of each file with mistakes, as `LINE: what is wrong`."""
    sources = _sources(texts)
    _checked_files(sources, {})
    return _mistakes(sources)


def _checked_files(
    sources: Mapping[Path, YamlSource], known: Mapping[Path, RegistryFile]
) -> list[RegistryFile]:
    """Return the files that the schema accepts; note all mistakes in the sources."""
    files = []
    stems = {path.stem for path in sources}
    for path, source in sources.items():
        if path in known:
            files.append(known[path])
            continue
        files.extend(_validated(path, source))
        cross_checks.check_file(source, path.stem, stems)
    cross_checks.check_names(sources)
    return files


def _mistakes(sources: Mapping[Path, YamlSource]) -> Mapping[Path, tuple[str, ...]]:
    found = {path: sorted(set(source.mistakes)) for path, source in sources.items() if source.mistakes}
    return {path: tuple(f"{each.line}: {each.text}" for each in rows) for path, rows in found.items()}


def _validated(path: Path, source: YamlSource) -> list[RegistryFile]:
    if path.suffix == ".yml":
        source.note((), f"is not read; rename the file to {path.stem}.yaml", 1)
    if source.data is None and source.mistakes:
        return []
    try:
        return [RegistryFile.model_validate(source.data)]
    except ValidationError as error:
        note_errors(source, error)
        return []


def plain_data(file: RegistryFile) -> dict[str, Any]:
    """Return the values that a file has, as YAML would be read."""
    return file.model_dump(mode="json", exclude_unset=True, exclude_none=True)
