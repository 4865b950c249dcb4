"""A registry in which a file with mistakes is taken as it was when it had none, and marked.

A mistake in the file of one set must not stop the others, nor the way back of its own service.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bluegrid_registry import ConfigError, Registry, RegistryError
from bluegrid_registry.registry_files.registry import mistakes_in, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    Earlier = Callable[[Path], Iterable[str]]
    """Yields what a file said before, newest first."""


@dataclass(frozen=True)
class ValidRegistry:
    """Files without mistakes.

    Attributes:
        texts: what they say. One that never was sound is left out.
        faults: the mistakes of those that say something else, by set: `registry/g2.yaml:3: …`.
    """

    texts: Mapping[Path, str]
    faults: Mapping[str, str]

    @cached_property
    def registry(self) -> Registry:
        """What they declare."""
        return parse(self.texts)

    def require(self, set_id: str) -> None:
        """Raise RegistryError where the set's file has a mistake: nothing can be written into it."""
        if fault := self.faults.get(set_id):
            raise RegistryError(f"{fault}; the set stays as it was before that mistake: correct the file")


def read_texts(folder: Path) -> dict[Path, str]:
    """Return what the registry files of a folder say.

    Raises:
        ConfigError: there is no such folder, or a file cannot be read.
    """
    if not folder.is_dir():
        raise ConfigError(f"registry {folder}: no such folder; name the folder of the <set>.yaml files")
    texts = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in (".yaml", ".yml") and not path.name.startswith("."):
            try:
                texts[path] = as_text(path.read_bytes())
            except FileNotFoundError:
                continue  # It goes just now.
            except OSError as error:
                raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    return texts


def as_text(data: bytes) -> str:
    """Return the text of a file; what is no UTF-8 is a mistake in it, and found as one."""
    return data.decode(errors="surrogateescape")


def last_valid(
    texts: Mapping[Path, str],
    earlier: Earlier,
    newest_first: Callable[[], Iterable[Path]],
    name: Callable[[Path], str],
) -> ValidRegistry:
    """Return the registry without the mistakes in it.

    Args:
        texts: what the files say.
        earlier: yields what a file said before, newest first.
        newest_first: the files, by when they were changed: of two that use one name, the newer one is wrong.
        name: by which people know a file.
    """
    now = dict(texts)
    faults: dict[str, str] = {}
    tried: set[tuple[Path, str]] = set()
    while mistakes := mistakes_in(now):
        path = _culprit(now, mistakes, newest_first)
        lines = mistakes.get(path) or next(iter(mistakes.values()))
        faults.setdefault(path.stem, f"{name(path)}:{lines[0]}")
        tried.add((path, now.pop(path)))
        for text in earlier(path):
            if (path, text) not in tried and path not in mistakes_in({**now, path: text}):
                now[path] = text
                break
    return ValidRegistry(now, faults)


def _culprit(
    texts: Mapping[Path, str],
    mistakes: Mapping[Path, tuple[str, ...]],
    newest_first: Callable[[], Iterable[Path]],
) -> Path:
    """Return a file to take as it was before."""
    for path in mistakes:
        if mistakes_in({path: texts[path]}):
            return path
    # Each is well alone, so two use one name.
    for path in newest_first():
        if path in texts and not mistakes.keys() <= mistakes_in(_but(texts, path)).keys():
            return path
    return next(iter(mistakes))


def _but(texts: Mapping[Path, str], path: Path) -> dict[Path, str]:
    return {other: text for other, text in texts.items() if other != path}
