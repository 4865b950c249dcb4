"""An update of named targets (`pulumi up --target`), and the variables by which the program knows of it.

The engine leaves a resource that is no target as the state has it, with what that depends on. Should the
program register the resource before one of these, the engine has put that one down already, and ends with
"Duplicate resource URN": https://github.com/pulumi/pulumi/issues/24303. So the program has to know which
live routes stay: those may lead to other clusters than the registry says.
"""

from __future__ import annotations

import os

from bluegrid_registry import contract


def is_partial() -> bool:
    """Whether this update is of named targets only."""
    return bool(os.environ.get(contract.PARTIAL_UPDATE))


def route_stays(service: str) -> bool:
    """Whether this update leaves a service's live route as it is, whatever the registry says."""
    updated = os.environ.get(contract.UPDATED_ROUTES)
    return is_partial() and updated is not None and service not in updated.split(",")
