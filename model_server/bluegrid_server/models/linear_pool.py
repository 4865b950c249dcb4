"""The models of a version that has none but linear ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bluegrid_server.models.file_pool import unloaded
from bluegrid_server.models.version import ServedModel
from bluegrid_server.protocol.model_state import ModelState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid_server.models.linear_table import LinearTable


class LinearPool(Mapping[str, ServedModel]):
    """Models by UID, all of them in memory; `pool.FilePool` without files and frameworks."""

    def __init__(self, table: LinearTable) -> None:
        self._models = dict(table)
        self._unloaded: set[str] = set()

    def __getitem__(self, uid: str) -> ServedModel:
        """The model of a UID; KeyError when the version has none, LoadError when it was unloaded."""
        served = self._models[uid]
        if uid in self._unloaded:
            raise unloaded(uid)
        return served

    def __contains__(self, uid: object) -> bool:
        return uid in self._models

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    @property
    def loaded(self) -> int:
        """Models that answer."""
        return len(self._models) - len(self._unloaded)

    def state(self, uid: str) -> tuple[ModelState, str]:
        """The state of a model as the protocol names it, and why."""
        return (ModelState.UNAVAILABLE, "unloaded") if uid in self._unloaded else (ModelState.READY, "")

    def load(self, uid: str) -> None:
        """Let a model answer again."""
        self._unloaded.discard(uid)

    def unload(self, uid: str) -> None:
        """Keep a model from answering until it is loaded again."""
        self._unloaded.add(uid)
