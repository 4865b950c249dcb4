"""Checks region names against the existing regions: a mistyped name would silently have no effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry.errors import RegistryError
from bluegrid_registry.registry_files.registry import read_sources
from bluegrid_registry.registry_files.service_schema import DEFAULT_REGION
from bluegrid_registry.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from bluegrid_registry.registry_files import yaml_source
    from bluegrid_registry.registry_files.yaml_source import YamlSource


def check_regions(folder: Path, known: Collection[str]) -> None:
    """Refuse a registry that names regions that do not exist.

    Args:
        folder: the folder of a registry without mistakes.
        known: the regions that exist.

    Raises:
        RegistryError: the message has one line for each name, file:line first.
    """
    lines = []
    for path, source in read_sources(folder).items():
        for region, place in _regions(source):
            if region not in known:
                source.note(place, _fault(region, known))
        lines += [f"{path}:{each.line}: {each.text}" for each in sorted(set(source.mistakes))]
    if lines:
        raise RegistryError("\n".join(lines), Remedy.ADD_REGION)


def require_region(region: str, known: Collection[str]) -> None:
    """Raise RegistryError if there is no region with this name."""
    if region not in (DEFAULT_REGION, *known):
        raise RegistryError(_fault(region, known), Remedy.ADD_REGION)


def _fault(region: str, known: Collection[str]) -> str:
    return f"{region} is not a region; there are {', '.join(sorted(known))}"


def _regions(source: YamlSource) -> Iterator[tuple[str, yaml_source.Path]]:
    """Yield the names of regions, and their places in the file."""
    yield from source.names("service", "regions", ...)
    by_region = [path for _, path in source.names("service", "live", ...)]
    # In `traffic`, keys of the first level are regions only if a second level names the clusters.
    by_region += [path[:-1] for _, path in source.values("service", "traffic", ..., ...)]
    for path in dict.fromkeys(by_region):
        if path[-1] != DEFAULT_REGION:
            yield str(path[-1]), path
