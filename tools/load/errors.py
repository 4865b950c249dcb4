"""What can go wrong with a load itself; what goes wrong with its requests is in the report."""

from __future__ import annotations

from bluegrid_registry.errors import BluegridError


class LoadError(BluegridError):
    """The load cannot be run, or ended without a result."""
