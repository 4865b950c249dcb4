"""What the registry declares, for those who ask again and again: read once for each state of its files."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from model_registry import BluegridError, Registry
from operations import LiveBefore, live_before

if TYPE_CHECKING:
    from pathlib import Path

    from model_registry import RegistryFile
    from update_server.registry_source import RegistrySource

_Signature = frozenset[tuple[str, int, int, int]]


class Declared:
    """The registry of a source.

    A file of 200 versions takes 75 ms to read and check, and a page asks for all of them every two seconds.
    """

    def __init__(self, source: RegistrySource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._signature: _Signature | None = None
        self._registry = Registry(())
        self._before: dict[tuple[str, str], LiveBefore | None] = {}

    def registry(self) -> Registry:
        """Return the registry as its files are now.

        Raises:
            BluegridError: they have mistakes, or cannot be read.
        """
        with self._lock:
            self._read()
            return self._registry

    def before(self, file: RegistryFile, region: str) -> LiveBefore | None:
        """Return the cluster that was live before in a region; None: no other was, or git does not tell."""
        assert file.service is not None  # noqa: S101 - whoever asks has one
        with self._lock:
            self._read()
            key = file.service.name, region
            if key not in self._before:
                try:
                    found = live_before(self._source.registry / f"{file.set.id}.yaml", file.service, region)
                except BluegridError:
                    found = None
                self._before[key] = found
            return self._before[key]

    def _read(self) -> None:
        # Before they are read: what changes meanwhile is read the next time.
        signature = _signature(self._source.registry)
        if signature != self._signature:
            self._registry = Registry.load(self._source.registry)
            self._before.clear()
            self._signature = signature


def _signature(folder: Path) -> _Signature:
    found = set()
    for path in folder.glob("*.y*ml"):
        # One that goes just now is missed by whoever reads it, or is not there any more.
        with suppress(FileNotFoundError):
            stat = path.stat()
            found.add((path.name, stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return frozenset(found)
