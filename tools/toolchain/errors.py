"""Errors of obtaining programs."""

from __future__ import annotations

from bluegrid_registry import BluegridError


class ToolchainError(BluegridError):
    """A program, or a tool to build it, cannot be obtained."""


class DownloadError(ToolchainError):
    """An official download failed, or differs from its published checksum."""
