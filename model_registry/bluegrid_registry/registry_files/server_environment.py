"""Environment variables of a model server, in a pod or on a laptop, from the registry's rows.

The order never changes: Pulumi takes another order of a container's variables for another container.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bluegrid_registry.names import Source

if TYPE_CHECKING:
    from bluegrid_registry.registry_files.model_set_schema import DeclaredSet
    from bluegrid_registry.registry_files.version_rows import Version


def served_version(declared: DeclaredSet, version: Version, *, service: str, cluster: str) -> dict[str, str]:
    """Return the variables that name what is served, and as what, except for the store.

    Args:
        declared: the set.
        version: the version to serve.
        service: name of the service, which is part of the server's paths.
        cluster: ID of the cluster, which every answer names.
    """
    return {
        "BLUEGRID_SET": declared.id,
        "BLUEGRID_VERSION": version.id,
        "BLUEGRID_MANIFEST": version.manifest,
        "BLUEGRID_TYPE": str(declared.type),
        "BLUEGRID_SERVICE": service,
        "BLUEGRID_CLUSTER": cluster,
    }


def optional_settings(declared: DeclaredSet) -> dict[str, str]:
    """Return the variables of the settings that the set has, except those with the server's default."""
    variables = {}
    if declared.outputs:
        variables["BLUEGRID_OUTPUTS"] = json.dumps(declared.outputs)
    if declared.non_finite != "null":
        variables["BLUEGRID_NON_FINITE"] = declared.non_finite
    if declared.signature:
        variables["BLUEGRID_SIGNATURE"] = declared.signature
    if declared.accelerate:
        variables["BLUEGRID_ACCELERATE"] = declared.accelerate
    if declared.trust:
        variables["BLUEGRID_TRUST"] = json.dumps(declared.trust)
    if declared.source is not Source.PLATFORM:
        variables["BLUEGRID_SOURCE"] = declared.source
    if declared.keys:
        variables["BLUEGRID_KEYS"] = json.dumps([key.model_dump() for key in declared.keys])
    return variables
