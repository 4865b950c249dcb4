"""States of a model, with the names of the protocol's model repository."""

from __future__ import annotations

from enum import StrEnum


class ModelState(StrEnum):
    """State of a model."""

    LOADING = "LOADING"
    """The version's models are being loaded."""
    READY = "READY"
    """The model answers; it may have to be loaded first."""
    UNAVAILABLE = "UNAVAILABLE"
    """The model was unloaded, or cannot be loaded."""
