"""The names in a registry file and where they stand, also when the file has mistakes.

Reporting every mistake in one run needs the checks across values and files to work on files that the schema
refuses, so they work on this outline, which takes what is there and skips what is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_registry.registry_files.yaml_source import Path


@dataclass(frozen=True)
class Name:
    """A name and the place that it stands at."""

    text: str
    path: Path


@dataclass(frozen=True)
class ClusterOutline:
    """A cluster's ID, and the version that it names."""

    id: Name
    version: Name | None


@dataclass(frozen=True)
class Outline:
    """Every name in one registry file."""

    set_id: Name | None
    versions: tuple[Name, ...]
    service: Name | None
    live: Mapping[str, Name] | None
    """Cluster IDs by region, also where one ID holds for all; absent or unreadable: None."""
    clusters: tuple[ClusterOutline, ...]
    regions: tuple[Name, ...] | None

    @classmethod
    def of(cls, data: Any) -> Outline:
        """Return the outline of a file's plain data, whatever that holds."""
        return cls(
            set_id=_name(data, ("set", "id")),
            versions=tuple(_names(data, ("versions",), "id")),
            service=_name(data, ("service", "name")),
            live=_live(data),
            clusters=tuple(
                ClusterOutline(name, _name(data, (*name.path[:-1], "version")))
                for name in _names(data, ("service", "clusters"), "id")
            ),
            regions=_regions(data),
        )


def _at(data: Any, path: Path) -> Any:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _name(data: Any, path: Path) -> Name | None:
    value = _at(data, path)
    return Name(value, path) if isinstance(value, str) else None


def _names(data: Any, path: Path, *key: str) -> Iterator[Name]:
    items = _at(data, path)
    for index in range(len(items) if isinstance(items, list) else 0):
        if name := _name(data, (*path, index, *key)):
            yield name


def _live(data: Any) -> Mapping[str, Name] | None:
    path = ("service", "live")
    if everywhere := _name(data, path):
        return {"default": everywhere}
    value = _at(data, path)
    if not isinstance(value, Mapping):
        return None
    named = {region: _name(data, (*path, region)) for region in value}
    return {region: name for region, name in named.items() if name}


def _regions(data: Any) -> tuple[Name, ...] | None:
    path = ("service", "regions")
    return tuple(_names(data, path)) if isinstance(_at(data, path), list) else None
