"""A registry in which a file with mistakes has its last valid text and a mark.

A mistake in the file of one set must not stop the other sets, nor a rollback of its own service.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bluegrid_registry import ConfigError, Registry, RegistryError
from bluegrid_registry.registry_files.registry import mistakes_in, parse, paths_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    Earlier = Callable[[Path], Iterable[str]]
    """Yields the earlier texts of a file, newest first."""


@dataclass(frozen=True)
class ValidRegistry:
    """Files without mistakes.

    Attributes:
        texts: the texts of the files; files that never were valid are left out.
        faults: the mistakes of files whose earlier texts are used, by set: `registry/g2.yaml:3: …`.
    """

    texts: Mapping[Path, str]
    faults: Mapping[str, str]

    @cached_property
    def registry(self) -> Registry:
        """The registry of the files."""
        return parse(self.texts)

    def require(self, set_id: str) -> None:
        """Raise RegistryError if the set's file has a mistake: nothing can be written to it."""
        if fault := self.faults.get(set_id):
            raise RegistryError(f"{fault}; the set stays as it was before that mistake: correct the file")


def read_texts(folder: Path) -> dict[Path, str]:
    """Return the texts of the registry files in a folder.

    Raises:
        ConfigError: there is no such folder, or a file cannot be read.
    """
    texts = {}
    for path in paths_in(folder):
        try:
            texts[path] = as_text(path.read_bytes())
        except FileNotFoundError:
            continue  # It was deleted meanwhile.
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    return texts


def as_text(data: bytes) -> str:
    """Return the text of a file; bytes that are not UTF-8 become a mistake later."""
    return data.decode(errors="surrogateescape")


def last_valid(
    texts: Mapping[Path, str],
    earlier: Earlier,
    newest_first: Callable[[], Iterable[Path]],
    name: Callable[[Path], str],
) -> ValidRegistry:
    """Return the registry without its mistakes.

    Args:
        texts: texts of the files.
        earlier: yields the earlier texts of a file, newest first.
        newest_first: returns the files by their last change: if two use one name, the newer file is wrong.
        name: returns the name of a file for messages.
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
    """Return the file whose earlier text must be used."""
    for path in mistakes:
        if mistakes_in({path: texts[path]}):
            return path
    # Each file is valid by itself, so two files use the same name.
    for path in newest_first():
        if path in texts and not mistakes.keys() <= mistakes_in(_but(texts, path)).keys():
            return path
    return next(iter(mistakes))


def _but(texts: Mapping[Path, str], path: Path) -> dict[Path, str]:
    return {other: text for other, text in texts.items() if other != path}
