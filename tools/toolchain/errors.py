"""What can go wrong while programs are obtained."""

from __future__ import annotations

from bluegrid_registry import BluegridError


class ToolchainError(BluegridError):
    """A program, or what it is built with, cannot be obtained."""


class DownloadError(ToolchainError):
    """An official download failed, or differs from its published checksum."""
