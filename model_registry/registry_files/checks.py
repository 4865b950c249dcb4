"""The rules between values of a registry file, and between files.

Every mistake is told in one run, so these checks also work on files that the schema refuses: they take the
names that are there, and skip what is not. Which value is wrong by itself is the schema's to say.
"""

from __future__ import annotations

from collections import defaultdict
from types import EllipsisType
from typing import TYPE_CHECKING, Any, NamedTuple

from ruamel.yaml.nodes import MappingNode, SequenceNode

from model_registry.names import MAX_LABEL
from model_registry.registry_files.schema import DEFAULT_REGION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from model_registry.registry_files import yaml_source
    from model_registry.registry_files.yaml_source import YamlSource


class _Name(NamedTuple):
    text: str
    path: yaml_source.Path


def check_file(source: YamlSource, stem: str) -> None:
    """Note what is wrong between the values of the file `<stem>.yaml`."""
    for set_id in _names(source.data, "set", "id"):
        if set_id.text != stem:
            source.note(
                set_id.path, f"a set's file has its ID as name; rename the file to {set_id.text}.yaml"
            )
    for what, keys in (
        ("version", ("versions", ..., "id")),
        ("cluster", ("service", "clusters", ..., "id")),
        ("region", ("service", "regions", ...)),
    ):
        seen: set[str] = set()
        for name in _names(source.data, *keys):
            if name.text in seen:
                source.note(name.path, f"{what} {name.text} is there twice; an ID is one {what}'s")
            seen.add(name.text)
    _check_versions_of_clusters(source)
    _check_live(source)


def check_names(sources: Mapping[Path, YamlSource]) -> None:
    """Note names of services and clusters, by file, that are too long or stand for two things."""
    services: dict[str, Path] = {}
    owners: dict[str, tuple[str, Path]] = {}
    for file, source in sources.items():
        for service in _names(source.data, "service", "name"):
            where = services.setdefault(service.text, file)
            if where != file:
                taken = f"{service.text} is the service of {where} too; a name is one service's"
                source.note(service.path, taken)
                continue
            # A live Ingress is named <service>, a standing one <service>-<cluster>: one namespace.
            named = [(service.text, f"service {service.text}", service.path)]
            for cluster in _names(source.data, "service", "clusters", ..., "id"):
                owner = f"cluster {cluster.text} of service {service.text}"
                named.append((f"{service.text}-{cluster.text}", owner, cluster.path))
            for name, owner, path in named:
                if len(name) > MAX_LABEL:
                    long = f"{name} has {len(name)} characters, a Kubernetes name at most {MAX_LABEL}"
                    source.note(path, long)
                taken_by, where = owners.setdefault(name, (owner, file))
                if taken_by != owner:
                    both = f"{owner} and {taken_by} of {where} are both named {name}; rename one"
                    source.note(path, both)


def _check_versions_of_clusters(source: YamlSource) -> None:
    declared = [version.text for version in _names(source.data, "versions", ..., "id")]
    users: dict[str, list[str]] = defaultdict(list)
    for cluster in _names(source.data, "service", "clusters", ..., "id"):
        for version, path in _names(source.data, *cluster.path[:-1], "version"):
            if version not in declared:
                source.note(path, f"{version} is not a version of this set; declared: {_listed(declared)}")
            elif version in users:
                first = users[version][0]
                source.note(path, f"{version} has cluster {first} already; a version has one cluster")
            users[version].append(cluster.text)


def _check_live(source: YamlSource) -> None:
    live, regions = ("service", "live"), ("service", "regions")
    is_by_region = isinstance(source.nodes.get(live), MappingNode)
    if is_by_region and (*live, DEFAULT_REGION) not in source.nodes:
        source.note(live, "has no default; add `default: <cluster>` for the regions that it does not name")
    service = next((name.text for name in _names(source.data, "service", "name")), "this service")
    clusters = [cluster.text for cluster in _names(source.data, "service", "clusters", ..., "id")]
    declared = [DEFAULT_REGION, *(name.text for name in _names(source.data, *regions, ...))]
    for cluster, path in _names(source.data, *live, *([...] if is_by_region else [])):
        if cluster not in clusters:
            source.note(path, f"{cluster} is not a cluster of {service}; declared: {_listed(clusters)}")
        names_regions = is_by_region and isinstance(source.nodes.get(regions), SequenceNode)
        if names_regions and path[-1] not in declared:
            source.note(path, f"{path[-1]} is not a region of {service}; declared: {_listed(declared[1:])}")


def _names(data: Any, *keys: str | int | EllipsisType, path: yaml_source.Path = ()) -> Iterator[_Name]:
    """Yield the texts at `keys`, in which `...` stands for every item of a list or mapping."""
    if not keys:
        if isinstance(data, str):
            yield _Name(data, path)
        return
    steps: Iterable[str | int]
    if not isinstance(keys[0], EllipsisType):
        steps = (keys[0],)
    else:
        steps = data if isinstance(data, dict) else range(len(data) if isinstance(data, list) else 0)
    for step in steps:
        try:
            below = data[step]
        except (LookupError, TypeError):
            continue
        yield from _names(below, *keys[1:], path=(*path, step))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names)) or "none"
