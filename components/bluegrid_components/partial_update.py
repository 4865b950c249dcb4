"""An update of named targets (`pulumi up --target`), and the variables by which the program knows of it.

The engine leaves a resource that is no target as the state has it, with what that depends on. Should the
program register the resource before one of these, the engine has put that one down already, and ends with
"Duplicate resource URN": https://github.com/pulumi/pulumi/issues/24303. So the program has to know which
live routes stay: those may lead to other clusters than the registry says.
"""

from __future__ import annotations

import os

PARTIAL = "BLUEGRID_PARTIAL_UPDATE"
"""Variable of an update of named targets only, such as one service's route: any checkout does for it, and it
applies no commit."""
ROUTES = "BLUEGRID_ROUTES"
"""Variable of such an update: the services whose live routes are among the targets, with commas between them.
Without it, any may be."""


def is_partial() -> bool:
    """Whether this update is of named targets only."""
    return bool(os.environ.get(PARTIAL))


def route_stays(service: str) -> bool:
    """Whether this update leaves a service's live route as it is, whatever the registry says."""
    return is_partial() and ROUTES in os.environ and service not in os.environ[ROUTES].split(",")
