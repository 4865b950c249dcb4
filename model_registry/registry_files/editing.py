"""Edits of versions, clusters and what is live, each as small as a careful person would write it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from model_registry.errors import RegistryError, VersionConflict
from model_registry.registry_files import yaml_edit
from model_registry.registry_files.registry import open_registry
from model_registry.registry_files.schema import DEFAULT_REGION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from model_registry.registry_files.schema import Cluster, Service, Version


@dataclass(frozen=True)
class Switch:
    """What a switch changed."""

    service: str
    region: str | None
    """The region that was named; None: all alike."""
    old: str
    new: str


def add_version(folder: Path, set_id: str, version: Version) -> bool:
    """Add a version to a set; return False when it is there already, with the same manifest.

    Raises:
        VersionConflict: the ID is taken by another manifest.
        RegistryError: there is no such set, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file = opened.registry.of_set(set_id)
        for known in file.versions:
            if known.id == version.id and known.manifest != version.manifest:
                taken = f"is in {opened.path(file)} with manifest {known.manifest[:15]}"
                raise VersionConflict(f"set {set_id} version {version.id}: {taken}; choose a new version ID")
            if known.id == version.id:
                return False
        text = yaml_edit.append(opened.text(file), ("versions",), _version_row(version))
        opened.write(file.model_copy(update={"versions": (*file.versions, version)}), text)
        return True


def remove_version(folder: Path, set_id: str, version_id: str) -> None:
    """Take a version out of a set; its objects stay in the store until garbage collection.

    Raises:
        RegistryError: a cluster serves it, there is no such set or version, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file = opened.registry.of_set(set_id)
        version = file.version(version_id)
        service = file.service
        for cluster in service.clusters if service else ():
            if service and cluster.version == version_id:
                uses = f"set {set_id} version {version_id}: cluster {cluster.id} of {service.name} serves it"
                raise RegistryError(f"{uses}; first: bluegrid cluster remove {service.name} {cluster.id}")
        index = file.versions.index(version)
        left = tuple(row for row in file.versions if row != version)
        text = yaml_edit.remove(opened.text(file), ("versions",), index)
        opened.write(file.model_copy(update={"versions": left}), text)


def add_cluster(folder: Path, service: str, cluster: Cluster) -> bool:
    """Add a cluster to a service, on standby; return False when the very same is there already.

    Raises:
        RegistryError: there is no such service, the cluster's ID or version is taken, or the registry has
            mistakes.
    """
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        if cluster in offered.clusters:
            return False
        path = ("service", "clusters")
        text = yaml_edit.append(opened.text(file), path, _cluster_row(cluster))
        changed = offered.model_copy(update={"clusters": (*offered.clusters, cluster)})
        opened.write(file.model_copy(update={"service": changed}), text)
        return True


def remove_cluster(folder: Path, service: str, cluster_id: str) -> None:
    """Remove a cluster from a service.

    Raises:
        RegistryError: it is live somewhere, there is no such cluster, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        cluster = offered.cluster(cluster_id)
        for region, live in _live_by_region(offered).items():
            if live == cluster_id:
                where = "" if isinstance(offered.live, str) else f" in region {region}"
                remedy = f"switch first: bluegrid switch {service} <other cluster>"
                raise RegistryError(f"{cluster_id} is the live cluster of {service}{where}; {remedy}")
        index = offered.clusters.index(cluster)
        text = yaml_edit.remove(opened.text(file), ("service", "clusters"), index)
        changed = offered.model_copy(update={"clusters": tuple(c for c in offered.clusters if c != cluster)})
        opened.write(file.model_copy(update={"service": changed}), text)


def switch(folder: Path, service: str, cluster_id: str, region: str | None = None) -> Switch:
    """Make a cluster the live one; the file changes by one word.

    Args:
        folder: the registry.
        service: the service.
        cluster_id: one of its clusters.
        region: the region to switch, or `default`: those that `live` does not name. None: all of them, for a
            service that is live alike everywhere.

    Raises:
        RegistryError: there is no such service, cluster or region, or the regions differ and none was named,
            or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        offered.cluster(cluster_id)
        live = _live_by_region(offered)
        if region is None and not isinstance(offered.live, str):
            regions = ", ".join(f"{name} ({live[name]})" for name in live)
            raise RegistryError(f"{service} is live by region: name one of {regions}")
        key = region or DEFAULT_REGION
        old = live.get(key, live[DEFAULT_REGION])
        if old != cluster_id:
            now = {**live, key: cluster_id}
            is_alike = isinstance(offered.live, str) and key == DEFAULT_REGION
            changed = offered.model_copy(update={"live": cluster_id if is_alike else now})
            text = _with_live(opened.text(file), offered.live, key, now)
            opened.write(file.model_copy(update={"service": changed}), text)
        return Switch(service, region, old, cluster_id)


def _live_by_region(service: Service) -> Mapping[str, str]:
    return {DEFAULT_REGION: service.live} if isinstance(service.live, str) else service.live


def _with_live(text: str, old: str | Mapping[str, str], region: str, now: Mapping[str, str]) -> str:
    path = ("service", "live")
    if isinstance(old, str) and region == DEFAULT_REGION:
        return yaml_edit.replace_word(text, path, now[region])
    if isinstance(old, str):
        words = ", ".join(f"{yaml_edit.word(key)}: {yaml_edit.word(live)}" for key, live in now.items())
        return yaml_edit.replace(text, path, f"{{{words}}}")
    if region in old:
        return yaml_edit.replace_word(text, (*path, region), now[region])
    return yaml_edit.append(text, path, f"{yaml_edit.word(region)}: {yaml_edit.word(now[region])}")


def _version_row(version: Version) -> str:
    updated = version.updated.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return f'{{id: {yaml_edit.word(version.id)}, manifest: "{version.manifest}", updated: {updated}}}'


def _cluster_row(cluster: Cluster) -> str:
    cpu, memory = (yaml_edit.number_or_word(amount) for amount in (cluster.cpu, cluster.memory))
    limits = f"replicas: {cluster.replicas}, cpu: {cpu}, gpu: {cluster.gpu}, memory: {memory}"
    return f"{{id: {yaml_edit.word(cluster.id)}, version: {yaml_edit.word(cluster.version)}, {limits}}}"
