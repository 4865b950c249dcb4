"""The registry: every file of its folder, read and checked as a whole.

    registry/
    ├── g1.yaml     model set g1: its versions, its service, the service's clusters
    └── g2.yaml     model set g2

All mistakes of all files are reported at once, each with file:line, so that nobody mends them one run at a
time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from model_registry.errors import ConfigError, RegistryError
from model_registry.registry_files import checks
from model_registry.registry_files.outline import Outline
from model_registry.registry_files.schema import RegistryFile
from model_registry.registry_files.schema_errors import told
from model_registry.registry_files.yaml_source import Mistake, YamlSource, read_yaml, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Registry:
    """What exists and what is live, in every region."""

    files: tuple[RegistryFile, ...]

    @classmethod
    def load(cls, folder: Path) -> Registry:
        """Read the registry in `folder`.

        Raises:
            ConfigError: there is no such folder, or a file cannot be read.
            RegistryError: the files have mistakes; the message has one line for each.
        """
        return parse(read_folder(folder))

    def of_set(self, set_id: str) -> RegistryFile:
        """Return the file of the set with this ID, or raise RegistryError naming those that exist."""
        for file in self.files:
            if file.set.id == set_id:
                return file
        raise RegistryError(f"no set {set_id}; declared: {_listed(file.set.id for file in self.files)}")

    def of_service(self, name: str) -> RegistryFile:
        """Return the file of the service with this name, or raise RegistryError naming those that exist."""
        names = []
        for file in self.files:
            if file.service and file.service.name == name:
                return file
            names.extend([file.service.name] if file.service else [])
        raise RegistryError(f"no service {name}; declared: {_listed(names)}")

    def in_region(self, region: str) -> tuple[RegistryFile, ...]:
        """Return the files whose service is offered in `region`."""
        return tuple(file for file in self.files if file.service and file.service.is_in(region))


def check_folder(folder: Path) -> None:
    """Raise ConfigError when there is no such folder: a wrong name must never read as an empty registry."""
    if not folder.is_dir():
        raise ConfigError(f"registry {folder}: no such folder; name the folder of the <set>.yaml files")


def read_folder(folder: Path) -> dict[Path, str]:
    """Return the text of every registry file in `folder`; ConfigError when one cannot be read."""
    check_folder(folder)
    texts = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in (".yaml", ".yml") and not path.name.startswith("."):
            try:
                # newline="": an edit must be able to write the very same line ends.
                with path.open(encoding="utf-8", newline="") as file:
                    texts[path] = file.read()
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{path}: cannot be read: {error}; a registry file is UTF-8 text") from None
    return texts


def parse(texts: Mapping[Path, str]) -> Registry:
    """Return the registry that these files make up, or raise RegistryError with every mistake in them."""
    sources = {path: read_yaml(text) for path, text in texts.items()}
    files = []
    for path, source in sources.items():
        files.extend(_validated(path, source))
    readable = {path: source for path, source in sources.items() if isinstance(source.data, dict)}
    outlines = {path: Outline.of(source.data) for path, source in readable.items()}
    for path, outline in outlines.items():
        _note(readable[path], checks.in_one_file(outline, path.stem))
    by_text = {str(path): readable[path] for path in outlines}
    for name, found in checks.across_files({str(path): outline for path, outline in outlines.items()}):
        _note(by_text[name], [found])
    lines = [
        f"{path}:{mistake.line}: {mistake.text}"
        for path, source in sources.items()
        for mistake in sorted(set(source.mistakes))
    ]
    if lines:
        raise RegistryError("\n".join(lines))
    return Registry(tuple(files))


def _validated(path: Path, source: YamlSource) -> list[RegistryFile]:
    if path.suffix == ".yml":
        source.mistakes.append(Mistake(1, f"is not read; rename the file to {path.stem}.yaml"))
    if source.data is None and source.mistakes:
        return []
    try:
        return [RegistryFile.model_validate(source.data)]
    except ValidationError as error:
        _note(source, (told(detail, source.data) for detail in error.errors()))
        return []


def _note(source: YamlSource, found: Iterable[checks.Found]) -> None:
    for path, text in found:
        place = f"{written(path)}: " if path else ""
        source.mistakes.append(Mistake(source.line(path), f"{place}{text}"))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
