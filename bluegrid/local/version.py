"""What a local server serves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid_registry import RegistryFile, models_in_folder, open_store
from bluegrid_registry.model_set import push_version
from bluegrid_registry.registry_files.server_environment import optional_settings, served_version

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bluegrid_registry import DeclaredSet, Progress, Version

CLUSTER = "local"
"""Cluster that answers name."""
_VERSION = "v1"
"""Version that a folder becomes."""


@dataclass(frozen=True)
class LocalVersion:
    """A version in a store, and the name of the service as which it is served.

    Attributes:
        store: address of the store.
        declared: the set.
        version: the version.
        service: part of the server's paths.
    """

    store: str
    declared: DeclaredSet
    version: Version
    service: str

    @property
    def environment(self) -> dict[str, str]:
        """The server's environment variables, as in a pod."""
        names = {"service": self.service, "cluster": CLUSTER}
        return {
            "BLUEGRID_STORE": self.store,
            **served_version(self.declared, self.version, **names),
            **optional_settings(self.declared),
        }


def pushed(
    folder: Path, declared: DeclaredSet, service: str, store: Path, ignore: Iterable[str], progress: Progress
) -> LocalVersion:
    """Push a folder of models to a new store, with all checks of a push; return the version.

    Args:
        folder: the models, and perhaps their recorded examples.
        declared: the set that the models are of.
        service: name of the service.
        store: the new store's folder.
        ignore: patterns of files that are treated as absent.
        progress: called after each pack.

    Raises:
        BluegridError: the folder is refused.
    """
    models = models_in_folder(folder, declared.type, ignore)
    store.mkdir()
    address = store.as_uri()
    file = RegistryFile(set=declared, versions=())
    report = push_version(open_store(address), file, _VERSION, models, progress=progress)
    return LocalVersion(address, declared, report.row, service)


def service_name(name: str) -> str:
    """Return the service name that is nearest to the name of a set or folder."""
    words = re.sub("[^a-z0-9]+", "-", name.lower())[:50].strip("-")
    return words if words[:1].isalpha() else f"models-{words}".rstrip("-")
