"""Detects an update of named targets (`pulumi up --target`), from environment variables.

The engine keeps a resource that is not a target as it is in the state, with its dependencies there. If the
program registers the resource before one of these dependencies, the engine has already recorded the latter,
and ends with "Duplicate resource URN": https://github.com/pulumi/pulumi/issues/24303. So the program has to
know which live routes stay: they may lead to other clusters than the registry declares.
"""

from __future__ import annotations

import os

from bluegrid_registry import contract


def is_partial() -> bool:
    """Return whether this update is limited to named targets."""
    return bool(os.environ.get(contract.PARTIAL_UPDATE))


def route_stays(service: str) -> bool:
    """Return whether this update leaves a service's live route as it is, whatever the registry says."""
    updated = os.environ.get(contract.UPDATED_ROUTES)
    return is_partial() and updated is not None and service not in updated.split(",")
