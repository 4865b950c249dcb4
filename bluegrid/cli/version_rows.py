"""Versions as commands list them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bluegrid_registry import RegistryFile, Version


def row_of(file: RegistryFile, version: Version) -> dict[str, Any]:
    """Return the row of a version in a list of versions."""
    clusters = file.service.clusters if file.service else ()
    return {
        "version": version.id,
        "updated": version.updated.isoformat(),
        "clusters": [cluster.id for cluster in clusters if cluster.version == version.id],
        "manifest": version.manifest,
    }
