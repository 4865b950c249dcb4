"""Edits that are in effect and wait for a commit, because a rollback does not wait for git.

    <state>/uncommitted.json

Each edit names the value that it replaces. If the branch has another value when git answers, somebody else
has changed it: their commit stays, and the edit is dropped.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence  # noqa: TC003 - pydantic reads it at run time
from typing import TYPE_CHECKING, Literal

import structlog
from pydantic import TypeAdapter, ValidationError

from bluegrid.updates.disk_reserve import FULL, DiskReserve
from bluegrid_registry import Registry, RegistryError, change_cluster, switch
from bluegrid_registry.files import write_whole
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Label  # noqa: TC001 - pydantic reads it at run time

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger()


class LaterEdit(Frozen):
    """A change of one value of a service.

    Attributes:
        what: `live`: the live cluster of a region; `version`: the version of a cluster.
        service: the service.
        key: the region, or the cluster.
        value: the cluster that is live, or the version that is served.
        instead_of: the values of the branch that this edit may replace.
        author: of the commit.
        message: of the commit.
    """

    what: Literal["live", "version"]
    service: Label
    key: Label
    value: Label
    instead_of: tuple[Label, ...]
    author: str
    message: str

    def set_in(self, registry: Registry) -> str | None:
        """Return the set whose file the edit changes; None: no file declares the service."""
        found = (file.set.id for file in registry.files if file.service and file.service.name == self.service)
        return next(found, None)

    def apply(self, folder: Path) -> bool:
        """Edit the registry of a folder; return whether a value has changed."""
        try:
            service = Registry.load(folder).service(self.service)
            now = service.live_in(self.key) if self.what == "live" else service.cluster(self.key).version
            if now == self.value or now not in self.instead_of:
                return False
            if self.what == "live":
                switch(folder, self.service, self.value, self.key)
            else:
                change_cluster(folder, self.service, self.key, version=self.value)
        except RegistryError as error:
            # The value is not declared any more, or the file has a mistake that must be fixed first.
            log.warning("edit is not made", service=self.service, value=self.value, error=str(error))
            return False
        return True

    def after(self, earlier: LaterEdit) -> LaterEdit:
        """Return one edit that replaces an earlier edit and this one."""
        replaced = dict.fromkeys((*earlier.instead_of, earlier.value, *self.instead_of))
        return self.model_copy(update={"instead_of": tuple(each for each in replaced if each != self.value)})

    @property
    def place(self) -> tuple[str, str, str]:
        """The value that the edit changes."""
        return self.what, self.service, self.key


_EDITS = TypeAdapter(tuple[LaterEdit, ...])


class Uncommitted:
    """The edits that wait for a commit, oldest first; at most one for each value.

    Edits are also in memory: a rollback must work on a full disk.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, threading.Lock()
        self._reserve = DiskReserve(file.with_name("reserve"))
        self._reserve.keep()
        self._edits: tuple[LaterEdit, ...] = ()
        self._is_on_disk = True

    def _read(self) -> tuple[LaterEdit, ...]:
        try:
            return _EDITS.validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return ()
        except (OSError, ValidationError) as error:
            log.error("edits that wait for a commit cannot be read", file=str(self._file), error=str(error))  # noqa: TRY400
            return ()

    def __call__(self) -> tuple[LaterEdit, ...]:
        """Return the edits; servers on the same machine share the file."""
        with self._lock:
            return self._known()

    def _known(self) -> tuple[LaterEdit, ...]:
        if self._is_on_disk:
            self._edits = self._read()
        return self._edits

    def add(self, edit: LaterEdit) -> None:
        """Keep an edit until it is committed."""
        with self._lock:
            known = {each.place: each for each in self._known()}
            earlier = known.pop(edit.place, None)
            self._keep((*known.values(), edit.after(earlier) if earlier else edit))

    def forget(self, edits: Sequence[LaterEdit]) -> None:
        """Drop edits that are committed, or that need no commit."""
        if edits:
            with self._lock:
                self._keep(tuple(each for each in self._known() if each not in edits))

    def _keep(self, edits: tuple[LaterEdit, ...]) -> None:
        self._edits, self._is_on_disk = edits, False
        try:
            write_whole(self._file, _EDITS.dump_json(edits))
            self._is_on_disk = True
        except OSError as error:
            if error.errno in FULL and self._reserve.release():
                self._keep(edits)
                return
            log.warning("edits that wait for a commit are in memory alone", error=str(error))
        if not edits:
            self._reserve.keep()
