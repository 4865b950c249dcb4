"""Loading, ready or failed: what the HTTP side sees of the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_server.startup import ServedModel, ServedVersion


class State:
    """Written by the thread that starts the version, read by the event loop; each write is one assignment."""

    def __init__(self) -> None:
        self._reason = "starting"
        self._models: Mapping[str, ServedModel] | None = None

    @property
    def models(self) -> Mapping[str, ServedModel] | None:
        """The models by UID; None until all of them are ready."""
        return self._models

    @property
    def reason(self) -> str:
        """Why there are no models yet."""
        return self._reason

    def not_ready(self, reason: str) -> None:
        """Tell how far the start is, or why it ended."""
        self._reason = reason

    def ready(self, version: ServedVersion) -> None:
        """Let the models answer."""
        self._models = version.models
