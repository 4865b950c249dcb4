"""Errors of a load itself; failed requests are in the report."""

from __future__ import annotations

from bluegrid_registry.errors import BluegridError


class LoadError(BluegridError):
    """The load cannot run, or ended without a result."""
