"""The source of registry files: a folder, or a git repository to which others push too.

The server has its own clone of a repository, which nobody else changes: `clone.py`.
"""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from bluegrid.updates.registry_source.valid_registry import ValidRegistry, last_valid, read_texts
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bluegrid.updates.registry_source.uncommitted import LaterEdit


@dataclass(frozen=True)
class SourceHealth:
    """The state of the registry's source.

    Attributes:
        fetched: when the branch was last fetched, in seconds since 1970.
        error: why the branch cannot be fetched now; None: no error.
        uncommitted: number of edits that wait for a commit.
        commit: the last known commit of the branch; None: the registry is not in git.
    """

    fetched: float
    error: str | None = None
    uncommitted: int = 0
    commit: str | None = None


class RegistrySource(Protocol):
    """A registry that can be edited."""

    is_shared: ClassVar[bool]
    """Whether everybody who deploys gets the changes."""

    @property
    def registry(self) -> Path:
        """The folder of registry files."""

    @property
    def health(self) -> SourceHealth:
        """The state of the registry's source."""

    def valid(self) -> ValidRegistry:
        """Return the registry without its mistakes; the same object as long as nothing changes.

        Raises:
            ConfigError: the folder does not exist.
        """

    def changing(self) -> AbstractContextManager[None]:
        """Hold the current registry, as everybody has it.

        Raises:
            GitError: the remote does not answer.
        """

    def known(self) -> AbstractContextManager[None]:
        """Hold the last known registry, with the edits that wait for a commit."""

    def publish(self, message: str, author: str) -> str | None:
        """Publish the changes in the folder; return the commit, if there is one.

        Raises:
            PushRejected: the push was refused; nothing has changed.
        """

    def later(self, edit: LaterEdit) -> None:
        """Apply an edit now, and publish it as soon as possible."""


def snapshot(source: RegistrySource, folder: Path) -> Path:
    """Copy the last known registry, without mistakes, into a folder; return the path of the copy.

    For long work, and for other programs that read the registry.

    Raises:
        ConfigError: the copy cannot be written.
    """
    copy = folder / "registry"
    try:
        with source.known():
            texts = source.valid().texts
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir(parents=True)
        for path, text in texts.items():
            with (copy / path.name).open("w", encoding="utf-8", newline="") as file:
                file.write(text)
    except OSError as error:
        raise ConfigError(f"{copy}: cannot be written: {error.strerror}; free space") from None
    return copy


class FolderReader:
    """Reads the registry files of a folder, once for each state of the files."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.Lock()
        self._signature: frozenset[tuple[str, int, int, int]] | None = None
        self._valid: ValidRegistry | None = None

    def __call__(self) -> ValidRegistry:
        """Return the registry; a file with mistakes has its last valid text."""
        with self._lock:
            # The signature is taken before the read: a change meanwhile is read the next time.
            signature = _signature(self._folder)
            if self._valid is None or signature != self._signature:
                known = self._valid.texts if self._valid else {}
                found = last_valid(
                    read_texts(self._folder),
                    earlier=lambda path: [known[path]] if path in known else [],
                    newest_first=lambda: newest_first(self._folder),
                    name=lambda path: f"{path.parent.name}/{path.name}",
                )
                self._valid, self._signature = found, signature
            return self._valid


def newest_first(folder: Path) -> Iterable[Path]:
    """Return the files of a folder by the time of writing, newest first."""
    return sorted(folder.glob("*.y*ml"), key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _signature(folder: Path) -> frozenset[tuple[str, int, int, int]]:
    found = set()
    for path in folder.glob("*.y*ml"):
        # The file may have been deleted meanwhile.
        with suppress(FileNotFoundError):
            stat = path.stat()
            found.add((path.name, stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return frozenset(found)


class Folder:
    """A folder that is edited in place."""

    is_shared: ClassVar[bool] = False

    def __init__(self, registry: Path) -> None:
        self.registry = registry
        self.valid = FolderReader(registry)

    @property
    def health(self) -> SourceHealth:
        """The state of the source: whether the folder exists."""
        is_there = self.registry.is_dir()
        return SourceHealth(time.time(), None if is_there else f"registry {self.registry}: no such folder")

    def changing(self) -> AbstractContextManager[None]:
        """Return at once: every edit takes the folder's lock itself."""
        return nullcontext()

    known = changing

    def publish(self, message: str, author: str) -> str | None:  # noqa: ARG002 - of the protocol
        """Return None: the folder itself is deployed."""
        return None

    def later(self, edit: LaterEdit) -> None:
        """Apply the edit."""
        edit.apply(self.registry)
