"""Edits of a registry: sets, versions and clusters come and go, and another cluster becomes live."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid_registry.errors import ConfigError, RegistryError, VersionConflict
from bluegrid_registry.registry_files.registry import checked, open_registry
from bluegrid_registry.registry_files.schema import DEFAULT_REGION, RegistryFile
from bluegrid_registry.registry_files.yaml_edit import in_one_line
from bluegrid_registry.registry_files.yaml_source import read_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from bluegrid_registry.names import Source
    from bluegrid_registry.registry_files.schema import (
        Cluster,
        DeclaredSet,
        Service,
        Version,
        Weights,
    )

_EDITORS_LINE = "# yaml-language-server:"


@dataclass(frozen=True)
class SwitchResult:
    """What a switch changed."""

    service: str
    region: str | None
    """The region that was named; None: all alike."""
    old: str
    new: str


def add_set(folder: Path, declared: DeclaredSet) -> None:
    """Add a set without versions, as a file of its own.

    Raises:
        RegistryError: there is a set with this ID, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file = RegistryFile(set=declared, versions=())
        if opened.path(file) in opened.sources:
            raise RegistryError(f"set {declared.id} is there already, in {opened.path(file)}")
        # What tells editors the schema, as the other files have it.
        firsts = {source.text.split("\n", 1)[0] for source in opened.sources.values()}
        heads = [first for first in firsts if first.startswith(_EDITORS_LINE)]
        head = f"{min(heads).rstrip()}\n" if heads else ""
        inline = in_one_line(declared.model_dump(mode="json", exclude_defaults=True))
        opened.write(file, read_yaml(f"{head}set: {inline}\nversions: []\n"))


def edit_set(
    folder: Path,
    set_id: str,
    *,
    name: str | None = None,
    task: str | None = None,
    source: Source | None = None,
    trust: Collection[str] = (),
) -> bool:
    """Change what people call a set, what its models do, or who defined it, or trust more names.

    Return False where all that was so already.
    Its ID and type stay: every version and every model is of them.

    Raises:
        RegistryError: there is no such set, its type does not allow the source, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file = opened.registry.of_set(set_id)
        wanted: dict[str, object] = {"name": name, "task": task, "source": source}
        if trust:
            wanted["trust"] = tuple(dict.fromkeys([*file.set.trust, *trust]))
        changes = {key: value for key, value in wanted.items() if value not in (None, getattr(file.set, key))}
        if changes:
            opened.change(file, set=file.set.model_copy(update=changes))
        return bool(changes)


def remove_set(folder: Path, set_id: str, *, with_versions: bool = False) -> None:
    """Delete a set's file; its objects stay in the store until garbage collection.

    Args:
        folder: the registry.
        set_id: the set.
        with_versions: also if it has versions.

    Raises:
        RegistryError: it has a service, or versions, there is no such set, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file = opened.registry.of_set(set_id)
        if file.service:
            clusters = ", ".join(cluster.id for cluster in file.service.clusters) or "none"
            online = f"set {set_id} is online: service {file.service.name}, clusters {clusters}"
            raise RegistryError(f"{online}; first: bluegrid delete {file.service.name} --up")
        if file.versions and not with_versions:
            versions = ", ".join(version.id for version in file.versions)
            raise RegistryError(f"set {set_id} has versions {versions}; remove them too, or keep the set")
        path = opened.path(file)
        checked({other: source for other, source in opened.sources.items() if other != path})
        try:
            path.unlink()
        except OSError as error:
            raise ConfigError(f"{path}: cannot be removed: {error.strerror}") from None


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
        opened.change(file, versions=(*file.versions, version))
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
        opened.change(file, versions=tuple(row for row in file.versions if row != version))


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
        clusters = (*offered.clusters, cluster)
        opened.change(file, service=offered.model_copy(update={"clusters": clusters}))
        return True


def remove_cluster(folder: Path, service: str, cluster_id: str) -> None:
    """Remove a cluster from a service.

    Raises:
        RegistryError: it is live somewhere, there is no such cluster, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        cluster = offered.cluster(cluster_id)
        _refuse_live(offered, cluster_id)
        clusters = tuple(row for row in offered.clusters if row != cluster)
        opened.change(file, service=offered.model_copy(update={"clusters": clusters}))


def change_cluster(
    folder: Path, service: str, cluster_id: str, **changes: int | str
) -> tuple[Cluster, Cluster]:
    """Give a cluster other values, such as `replicas=3`; returns it as it was and as it is.

    Raises:
        RegistryError: there is no such service or cluster, it is live and would have no pods, a value makes
            no sense, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        old = offered.cluster(cluster_id)
        new = old.model_copy(update=changes)
        if new.replicas == 0:
            _refuse_live(offered, cluster_id)
        if new != old:
            clusters = tuple(new if row == old else row for row in offered.clusters)
            opened.change(file, service=offered.model_copy(update={"clusters": clusters}))
        return old, new


def add_service(folder: Path, set_id: str, service: Service) -> bool:
    """Put a set online; return False when the very same service is there already.

    Raises:
        RegistryError: it has another service, the name is taken, there is no such set, or the registry has
            mistakes.
    """
    with open_registry(folder) as opened:
        file = opened.registry.of_set(set_id)
        if file.service == service:
            return False
        if file.service is not None:
            raise RegistryError(f"{opened.path(file)}: set {set_id} has service {file.service.name} already")
        opened.change(file, service=service)
        return True


def remove_service(folder: Path, service: str) -> tuple[Cluster, ...]:
    """Take a set offline: its service goes, with its clusters, which are returned; its versions stay.

    Raises:
        RegistryError: there is no such service, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        opened.change(file, service=None)
        return offered.clusters


def switch(folder: Path, service: str, cluster_id: str, region: str | None = None) -> SwitchResult:
    """Make a cluster the live one, with all requests; the file changes by one word, and loses `traffic`.

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
        if region not in (None, DEFAULT_REGION) and not offered.is_in(region):
            declared = ", ".join(offered.regions or ())
            raise RegistryError(f"{region} is not a region of {service}; declared: {declared}")
        if region is None and len({*live.values()}) > 1:
            regions = ", ".join(f"{name} ({live[name]})" for name in live)
            raise RegistryError(f"{service} is live by region: name one of {regions}")
        key = region or DEFAULT_REGION
        old = live.get(key, live[DEFAULT_REGION])
        is_everywhere = region is None or (isinstance(offered.live, str) and key == DEFAULT_REGION)
        now = cluster_id if is_everywhere else {**live, key: cluster_id}
        changes: dict[str, object] = {} if old == cluster_id else {"live": now}
        if offered.traffic is not None:
            changes["traffic"] = (
                None if region is None else _all_to(cluster_id, key, offered.traffic_by_region)
            )
        if changes:
            opened.change(file, service=offered.model_copy(update=changes))
        return SwitchResult(service, region, old, cluster_id)


def _all_to(cluster_id: str, region: str, shares: Mapping[str, Weights]) -> Mapping[str, Weights] | None:
    """Return the shares of the other regions, beside one in which this region's requests are not shared."""
    others = {name: weights for name, weights in shares.items() if name != region}
    return ({**others, region: {cluster_id: 1}} if DEFAULT_REGION in others else others) or None


@dataclass(frozen=True)
class Sharing:
    """How the requests of a service are shared from now on."""

    service: str
    region: str | None
    """The region that was named; None: all alike."""
    weights: Mapping[str, int]


def share_traffic(
    folder: Path, service: str, weights: Mapping[str, int], region: str | None = None
) -> Sharing:
    """Share the requests of a service among clusters; `switch` ends it.

    Args:
        folder: the registry.
        service: the service.
        weights: of at least two clusters, the live one among them; each gets its weight's part of their sum.
        region: the region, or `default`: those that `live` and `traffic` do not name. None: all of them, for
            a service that is alike everywhere.

    Raises:
        RegistryError: there is no such service, cluster or region, the live cluster has no share, or one is
            too small, or the regions differ and none was named, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        for cluster_id in weights:
            offered.cluster(cluster_id)
        live = offered.live_in(region or DEFAULT_REGION)
        if not weights.get(live) or len(weights) < 2:
            raise RegistryError(
                f"{live} is live, and {service} shares its requests with others; name it and another; "
                f"for all to one: bluegrid switch {service} <cluster>"
            )
        shares = offered.traffic_by_region
        is_alike = isinstance(offered.live, str) and not shares.keys() - {DEFAULT_REGION}
        if region is None and not is_alike:
            named = {**_live_by_region(offered), **shares}
            raise RegistryError(f"{service} differs by region: name one of {', '.join(named)}")
        now = dict(weights) if region is None else {**shares, region: dict(weights)}
        opened.change(file, service=offered.model_copy(update={"traffic": now}))
        return Sharing(service, region, weights)


def unify_live(folder: Path, service: str, regions: Iterable[str]) -> bool:
    """Say in one word which cluster is live, where it is the same one in all these regions.

    Returns:
        Whether the file has changed.

    Raises:
        RegistryError: there is no such service, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        live = {offered.live_in(region) for region in regions}
        if isinstance(offered.live, str) or len(live) != 1:
            return False
        opened.change(file, service=offered.model_copy(update={"live": live.pop()}))
        return True


def _refuse_live(service: Service, cluster_id: str) -> None:
    """Raise RegistryError when the cluster gets requests anywhere: nobody would answer them any more."""
    for region, weights in service.traffic_by_region.items():
        if cluster_id in weights:
            where = "" if region == DEFAULT_REGION else f" in region {region}"
            remedy = f"first end that: bluegrid switch {service.name} <other cluster>, or bluegrid traffic"
            raise RegistryError(f"{cluster_id} has a share of the traffic of {service.name}{where}; {remedy}")
    for region, live in _live_by_region(service).items():
        if live == cluster_id:
            where = "" if isinstance(service.live, str) else f" in region {region}"
            remedy = f"switch first: bluegrid switch {service.name} <other cluster>"
            raise RegistryError(f"{cluster_id} is the live cluster of {service.name}{where}; {remedy}")


def _live_by_region(service: Service) -> Mapping[str, str]:
    return {DEFAULT_REGION: service.live} if isinstance(service.live, str) else service.live
