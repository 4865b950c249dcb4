"""The file of one set, read without the others: what it costs does not grow with the registry.

The file is checked in full. What only a comparison of files shows, such as two services with one name, is
found by `Registry.load`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.errors import RegistryError
from bluegrid_registry.registry_files.file_source import read_file
from bluegrid_registry.registry_files.registry import Registry, checked, paths_in, read_text
from bluegrid_registry.registry_files.yaml_source import block_of, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry.registry_files.model_set_schema import RegistryFile
    from bluegrid_registry.registry_files.service_schema import Service


def load_set(folder: Path, set_id: str) -> RegistryFile:
    """Return the file of a set.

    Args:
        folder: the registry.
        set_id: ID of the set.

    Raises:
        ConfigError: there is no such folder, or the file cannot be read.
        RegistryError: there is no such set, or its file has mistakes; then those of all files are named.
    """
    path = folder / f"{set_id}.yaml"
    found = _alone(path) if path in paths_in(folder) else None
    return found or Registry.load(folder).of_set(set_id)


def load_service(folder: Path, name: str) -> tuple[RegistryFile, Service]:
    """Return the file of a service, and the service.

    Args:
        folder: the registry.
        name: name of the service.

    Raises:
        ConfigError: there is no such folder, or a file cannot be read.
        RegistryError: there is no such service, two files declare it, or its file has mistakes; then those of
            all files are named.
    """
    owners = [path for path in paths_in(folder) if _declares(path, name)]
    found = _alone(owners[0]) if len(owners) == 1 else None
    if found is not None and found.service is not None and found.service.name == name:
        return found, found.service
    registry = Registry.load(folder)
    return registry.of_service(name), registry.service(name)


def _declares(path: Path, name: str) -> bool:
    """Whether a file seems to declare a service; its bytes rule out most files, without parsing them."""
    try:
        data = path.read_bytes()
    except OSError:
        return False
    if name.encode(errors="surrogateescape") not in data:
        return False
    source = read_yaml(block_of(data.decode(errors="surrogateescape"), "service"))
    return any(name == text for text, _ in source.names("service", "name"))


def _alone(path: Path) -> RegistryFile | None:
    """Return a file; None: it has mistakes."""
    try:
        (file,) = checked({path: read_file(read_text(path))}).files
    except RegistryError:
        return None
    return file
