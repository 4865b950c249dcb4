"""Caches the registry and its previous live clusters, for frequent requests."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bluegrid.operations import LiveBefore, live_before
from bluegrid_registry import BluegridError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bluegrid.updates.registry_source.source import RegistrySource
    from bluegrid.updates.registry_source.valid_registry import ValidRegistry
    from bluegrid_registry import Registry, RegistryFile


class RegistryCache:
    """The registry of a source.

    A file of 200 versions takes 75 ms to read and check, and every open page needs all files each 2 s.
    """

    def __init__(self, source: RegistrySource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._known: tuple[ValidRegistry, str | None] | None = None
        self._before: dict[tuple[str, str], LiveBefore | None] = {}

    def registry(self) -> Registry:
        """Return the registry of the current files, with earlier texts of files with mistakes.

        Raises:
            BluegridError: the folder does not exist.
        """
        return self._source.valid().registry

    def faults(self) -> Mapping[str, str]:
        """Return the mistakes of files whose earlier texts are used, by set."""
        return self._source.valid().faults

    def require(self, set_id: str) -> None:
        """Raise RegistryError if the set's file has a mistake."""
        self._source.valid().require(set_id)

    def before(self, file: RegistryFile, region: str) -> LiveBefore | None:
        """Return the cluster that was live before in a region; None: no other was, or git has no history."""
        assert file.service is not None  # noqa: S101 - callers pass files with a service
        with self._lock:
            # A new commit may change the history without changing a file.
            now = self._source.valid(), self._source.health.commit
            if self._known is None or self._known[0] is not now[0] or self._known[1] != now[1]:
                self._before.clear()
                self._known = now
            key = file.service.name, region
            if key not in self._before:
                try:
                    before = live_before(self._source.registry / f"{file.set.id}.yaml", file.service, region)
                except BluegridError:
                    before = None
                self._before[key] = before
            return self._before[key]
