"""Errors of the local node."""

from __future__ import annotations

from bluegrid_registry.errors import BluegridError


class NodeError(BluegridError):
    """The node cannot be created, or a part of it has ended."""
