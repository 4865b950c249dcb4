"""What can go wrong while the image is built."""

from __future__ import annotations

from bluegrid_registry.errors import BluegridError


class ImageError(BluegridError):
    """The image, or its base, cannot be built."""
