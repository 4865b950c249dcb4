"""The rules between values of a registry file, and between files.

Each check yields the place and the sentence of every mistake it finds; which value is wrong by itself is
the schema's to say.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from model_registry.names import MAX_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from model_registry.registry_files.outline import ClusterOutline, Name, Outline
    from model_registry.registry_files.yaml_source import Path

Found = tuple["Path", str]


def in_one_file(outline: Outline, stem: str) -> Iterator[Found]:
    """Yield what is wrong between the values of the file `<stem>.yaml`."""
    if outline.set_id and outline.set_id.text != stem:
        set_id = outline.set_id.text
        yield outline.set_id.path, f"a set's file has its ID as name; rename the file to {set_id}.yaml"
    yield from _twice(outline.versions, "version")
    yield from _twice([cluster.id for cluster in outline.clusters], "cluster")
    yield from _twice(outline.regions or (), "region")
    yield from _versions_of_clusters(outline)
    yield from _live(outline)


def across_files(outlines: Mapping[str, Outline]) -> Iterator[tuple[str, Found]]:
    """Yield the file and what is wrong with it beside the others, for outlines by file."""
    services: dict[str, str] = {}
    owners: dict[str, tuple[str, str]] = {}
    for file, outline in outlines.items():
        if not outline.service:
            continue
        service = outline.service
        if service.text in services:
            where = services[service.text]
            yield (
                file,
                (service.path, f"{service.text} is the service of {where} too; a name is one service's"),
            )
            continue
        services[service.text] = file
        # The live Ingress is named <service>, a standing one <service>-<cluster>: they share one namespace.
        for name, owner, path in _kubernetes_names(service, outline.clusters):
            if len(name) > MAX_LABEL:
                yield (
                    file,
                    (path, f"{name} has {len(name)} characters, a Kubernetes name at most {MAX_LABEL}"),
                )
            taken_by, where = owners.setdefault(name, (owner, file))
            if taken_by != owner:
                yield file, (path, f"{owner} and {taken_by} of {where} are both named {name}; rename one")


def _kubernetes_names(service: Name, clusters: Sequence[ClusterOutline]) -> Iterator[tuple[str, str, Path]]:
    yield service.text, f"service {service.text}", service.path
    for cluster in clusters:
        owner = f"cluster {cluster.id.text} of service {service.text}"
        yield f"{service.text}-{cluster.id.text}", owner, cluster.id.path


def _twice(names: Sequence[Name], what: str) -> Iterator[Found]:
    seen: set[str] = set()
    for name in names:
        if name.text in seen:
            yield name.path, f"{what} {name.text} is there twice; an ID is one {what}'s"
        seen.add(name.text)


def _versions_of_clusters(outline: Outline) -> Iterator[Found]:
    declared = [version.text for version in outline.versions]
    users: dict[str, list[str]] = defaultdict(list)
    for cluster in outline.clusters:
        if not cluster.version:
            continue
        version = cluster.version.text
        if version not in declared:
            yield (
                cluster.version.path,
                f"{version} is not a version of this set; declared: {_listed(declared)}",
            )
        elif version in users:
            first = users[version][0]
            yield cluster.version.path, f"{version} has cluster {first} already; a version has one cluster"
        users[version].append(cluster.id.text)


def _live(outline: Outline) -> Iterator[Found]:
    if outline.live is None:
        return
    if "default" not in outline.live:
        yield (
            ("service", "live"),
            "has no default; add `default: <cluster>` for the regions that it does not name",
        )
    clusters = [cluster.id.text for cluster in outline.clusters]
    service = outline.service.text if outline.service else "this service"
    for region, name in outline.live.items():
        if name.text not in clusters:
            yield name.path, f"{name.text} is not a cluster of {service}; declared: {_listed(clusters)}"
        regions = None if outline.regions is None else [item.text for item in outline.regions]
        if region != "default" and regions is not None and region not in regions:
            yield (
                name.path,
                f"{region} is not a region of {service}; declared: {_listed(regions)}",
            )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names)) or "none"
