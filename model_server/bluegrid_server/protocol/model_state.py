"""The states of a model, as the protocol's model repository names them."""

from __future__ import annotations

from enum import StrEnum


class ModelState(StrEnum):
    """Whether a model answers."""

    LOADING = "LOADING"
    """The version's models are being loaded."""
    READY = "READY"
    """It answers, perhaps after it is loaded."""
    UNAVAILABLE = "UNAVAILABLE"
    """It was unloaded, or cannot be loaded."""
