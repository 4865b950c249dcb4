"""Edits of versions: add, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.errors import RegistryError, VersionConflict
from bluegrid_registry.registry_files.edits.opened import open_registry
from bluegrid_registry.remedies import Remedy

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry.registry_files.version_rows import Version


def add_version(folder: Path, set_id: str, version: Version) -> bool:
    """Add a version to a set; return False if it exists already, with the same manifest.

    Raises:
        VersionConflict: the ID is taken, with another manifest.
        RegistryError: there is no such set, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file = opened.of_set(set_id)
        for known in file.versions:
            if known.id == version.id and known.manifest != version.manifest:
                taken = f"is in {opened.path(file)} with manifest {known.manifest[:15]}"
                raise VersionConflict(f"set {set_id} version {version.id}: {taken}; choose a new version ID")
            if known.id == version.id:
                return False
        opened.change(file, versions=(*file.versions, version))
        return True


def remove_version(folder: Path, set_id: str, version_id: str) -> None:
    """Remove a version from a set; its objects stay in the store until garbage collection.

    Raises:
        RegistryError: a cluster serves it, there is no such set or version, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file = opened.of_set(set_id)
        version = file.version(version_id)
        service = file.service
        for cluster in service.clusters if service else ():
            if service and cluster.version == version_id:
                uses = f"set {set_id} version {version_id}: cluster {cluster.id} of {service.name} serves it"
                raise RegistryError(uses, Remedy.REMOVE_CLUSTER, service=service.name, cluster=cluster.id)
        opened.change(file, versions=tuple(row for row in file.versions if row != version))
