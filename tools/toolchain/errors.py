"""What can go wrong while programs are obtained."""

from __future__ import annotations

from bluegrid_registry import BluegridError


class ToolchainError(BluegridError):
    """A program, or what it is built with, cannot be had."""


class DownloadError(ToolchainError):
    """An official download cannot be had, or is not what its published checksum names."""
