"""The models of a process, as a mapping in which models can be loaded and unloaded."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bluegrid_server.errors import LoadError
from bluegrid_server.models.version import ServedModel

if TYPE_CHECKING:
    from bluegrid_server.protocol.model_state import ModelState


class ModelPool(Mapping[str, ServedModel]):
    """Models by UID.

    `pool[uid]` raises KeyError if the version has no such model, and LoadError if the model cannot be loaded
    or was unloaded. Iteration yields all UIDs of the version, whether in memory or not.
    """

    @property
    @abstractmethod
    def loaded(self) -> int:
        """Number of models in memory that answer."""

    @abstractmethod
    def state(self, uid: str) -> tuple[ModelState, str]:
        """Return the state of a model as the protocol names it, and the reason."""

    @abstractmethod
    def load(self, uid: str) -> None:
        """Load a model, even if it was unloaded; raise LoadError on failure."""

    @abstractmethod
    def unload(self, uid: str) -> None:
        """Keep a model from answering until it is loaded again."""


def unloaded(uid: str) -> LoadError:
    """Return the error of a request for an unloaded model."""
    return LoadError(f"model {uid} was unloaded; load it at the admin port")
