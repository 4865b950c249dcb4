"""What can go wrong with the local node."""

from __future__ import annotations

from bluegrid_registry.errors import BluegridError


class NodeError(BluegridError):
    """The node cannot be made, or a part of it has ended."""
