"""Caches the registry and its previous live clusters, for frequent requests."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bluegrid.operations import LiveBefore, lives_before
from bluegrid.updates.registry_source.git import GitError, run_git
from bluegrid_registry import BluegridError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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
        self._before: dict[str, dict[str, LiveBefore | None]] = {}

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

    def before(
        self, files: Iterable[RegistryFile], regions: Sequence[str]
    ) -> Mapping[str, Mapping[str, LiveBefore | None]]:
        """Return the clusters that were live before, by service and region.

        None stands for a region where no other cluster was live, or whose history git does not have.

        Args:
            files: with a service, each.
            regions: all that may be asked for; others are left out.
        """
        with self._lock:
            self._forget_changed()
            found = {}
            for file in files:
                assert file.service is not None  # noqa: S101 - of the contract
                known = self._before.setdefault(file.set.id, {})
                if unknown := [region for region in regions if region not in known]:
                    known |= self._read(file, unknown)
                found[file.service.name] = {region: known[region] for region in regions}
            return found

    def _read(self, file: RegistryFile, regions: Sequence[str]) -> Mapping[str, LiveBefore | None]:
        assert file.service is not None  # noqa: S101 - of the contract
        try:
            return lives_before(self._source.registry / f"{file.set.id}.yaml", file.service, regions)
        except BluegridError:
            return dict.fromkeys(regions)

    def _forget_changed(self) -> None:
        """Forget what was before in files that differ since the last time, or that new commits touched."""
        now = self._source.valid(), self._source.health.commit
        before, self._known = self._known, now
        if before == now:
            return
        touched = None if before is None else self._touched(before[1], now[1])
        if before is None or touched is None:
            self._before.clear()
            return
        old, new = before[0].texts, now[0].texts
        touched |= {path.stem for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
        for set_id in touched:
            self._before.pop(set_id, None)

    def _touched(self, before: str | None, after: str | None) -> set[str] | None:
        """Return the sets whose files have another history since a commit; None: it is not known."""
        if before == after:
            return set()
        if before is None or after is None:
            return None
        # A new commit may change the history without changing a file, if the edit was there before.
        log = ("log", "--format=", "--name-only", "--no-renames", "-z", "--relative", f"{before}...{after}")
        try:
            names = run_git("-C", str(self._source.registry), *log, "--", ".")
        except GitError:
            return None
        return {name.strip().removesuffix(".yaml") for name in names.split("\0") if name.strip()}
