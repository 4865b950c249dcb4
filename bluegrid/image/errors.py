"""Errors of image builds."""

from __future__ import annotations

from bluegrid_registry.errors import BluegridError


class ImageError(BluegridError):
    """The image, or its base, cannot be built."""
