"""Edits of the live cluster of a service, and of the shares of its requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid_registry.errors import RegistryError
from bluegrid_registry.registry_files.edits.opened import open_registry
from bluegrid_registry.registry_files.service_schema import DEFAULT_REGION
from bluegrid_registry.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from bluegrid_registry.registry_files.service_schema import Service, Weights


@dataclass(frozen=True)
class SwitchResult:
    """The change of a switch."""

    service: str
    region: str | None
    """The requested region; None: all regions."""
    old: str
    new: str


@dataclass(frozen=True)
class Sharing:
    """The new shares of a service's requests."""

    service: str
    region: str | None
    """The requested region; None: all regions."""
    weights: Mapping[str, int]


def switch(
    folder: Path,
    service: str,
    cluster_id: str,
    region: str | None = None,
    *,
    everywhere: bool = False,
    regions: Collection[str] | None = None,
) -> SwitchResult:
    """Make a cluster live, with all requests: one word of the file changes, and `traffic` is removed.

    Args:
        folder: the registry.
        service: the service.
        cluster_id: one of its clusters.
        region: the region to switch, or `default`: the regions that `live` does not name. None: all regions,
            for a service with the same live cluster everywhere.
        everywhere: whether to switch all regions, also if different clusters are live in them.
        regions: the regions that exist, as far as known; if the same cluster is live in all of them, the file
            says so in one word. None: what is declared by region stays so.

    Raises:
        RegistryError: there is no such service, cluster or region, the regions differ and none is named, or
            the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        offered.cluster(cluster_id)
        live = _live_by_region(offered)
        _require_region(offered, region)
        if region is None and not everywhere and len({*live.values()}) > 1:
            choices = ", ".join(f"{name} ({live[name]})" for name in live)
            fault = f"{service} is live by region: {choices}"
            raise RegistryError(fault, Remedy.NAME_REGION)
        key = region or DEFAULT_REGION
        old = live.get(key, live[DEFAULT_REGION]) if region else ", ".join(dict.fromkeys(live.values()))
        is_everywhere = region is None or (isinstance(offered.live, str) and key == DEFAULT_REGION)
        existing = None if regions is None else offered.regions or regions
        now = cluster_id if is_everywhere else _shortest({**live, key: cluster_id}, existing)
        changes: dict[str, object] = {}
        if now != offered.live and (old != cluster_id or isinstance(now, str)):
            changes["live"] = now
        if offered.traffic is not None:
            changes["traffic"] = _without_shares(offered, cluster_id, region, existing)
        if changes:
            opened.change(file, service=offered.model_copy(update=changes))
        return SwitchResult(service, region, old, cluster_id)


def share_traffic(
    folder: Path,
    service: str,
    weights: Mapping[str, int],
    region: str | None = None,
    *,
    everywhere: bool = False,
    regions: Collection[str] | None = None,
) -> Sharing:
    """Share the requests of a service among clusters; `switch` ends it.

    Args:
        folder: the registry.
        service: the service.
        weights: of at least two clusters, including the live one; a cluster's share is its weight divided by
            the sum of all.
        region: the region, or `default`: the regions that `live` and `traffic` do not name. None: all
            regions, for a service that is the same everywhere.
        everywhere: whether to share in all regions, also if they share differently now.
        regions: the regions that exist, as far as known; the only one needs no name in the file. None: shares
            of a region stay under its name.

    Raises:
        RegistryError: there is no such service, cluster or region, the live cluster has no share, a share is
            too small, the regions differ and none is named, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        for cluster_id in weights:
            offered.cluster(cluster_id)
        _require_region(offered, region)
        live = offered.live_in(region or DEFAULT_REGION)
        if not weights.get(live) or len(weights) < 2:
            fault = f"{live} is live, and {service} shares its requests with others"
            raise RegistryError(fault, Remedy.SHARE_OR_SWITCH, service=service)
        shares = offered.traffic_by_region
        is_alike = isinstance(offered.live, str) and not shares.keys() - {DEFAULT_REGION}
        if region is None and not is_alike and not everywhere:
            named = ", ".join({**_live_by_region(offered), **shares})
            raise RegistryError(f"{service} differs by region: {named}", Remedy.NAME_REGION)
        existing = {*(offered.regions or regions or ()), *shares} - {DEFAULT_REGION}
        is_everywhere = region is None or (bool(regions) and existing == {region})
        now = dict(weights) if is_everywhere else {**shares, str(region): dict(weights)}
        opened.change(file, service=offered.model_copy(update={"traffic": now}))
        return Sharing(service, region, weights)


def unify_live(folder: Path, service: str, regions: Iterable[str]) -> bool:
    """Set `live` to one cluster for all regions if the same cluster is live in all of `regions`.

    Returns:
        True if the file has changed.

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


def refuse_live(service: Service, cluster_id: str) -> None:
    """Raise RegistryError if the cluster gets requests in any region: they would not be answered."""
    for region, weights in service.traffic_by_region.items():
        if cluster_id in weights:
            where = "" if region == DEFAULT_REGION else f" in region {region}"
            fault = f"{cluster_id} has a share of the traffic of {service.name}{where}"
            raise RegistryError(fault, Remedy.END_SHARING, service=service.name)
    for region, live in _live_by_region(service).items():
        if live == cluster_id:
            where = "" if isinstance(service.live, str) else f" in region {region}"
            fault = f"{cluster_id} is the live cluster of {service.name}{where}"
            raise RegistryError(fault, Remedy.SWITCH_FIRST, service=service.name)


def _require_region(service: Service, region: str | None) -> None:
    if region not in (None, DEFAULT_REGION) and not service.is_in(region):
        declared = ", ".join(service.regions or ())
        raise RegistryError(f"{region} is not a region of {service.name}; declared: {declared}")


def _shortest(live: Mapping[str, str], regions: Collection[str] | None) -> Mapping[str, str] | str:
    """Return the only cluster that is live, if it is the only one; otherwise the clusters by region.

    Args:
        live: the live cluster by region.
        regions: those that exist; empty: not known, so that `default` may be of some. None: keep regions.
    """
    if regions is None:
        return live
    existing = {*regions, *live} - {DEFAULT_REGION} if regions else {*live}
    clusters = {live.get(region, live[DEFAULT_REGION]) for region in existing}
    return clusters.pop() if len(clusters) == 1 else live


def _without_shares(
    service: Service, cluster_id: str, region: str | None, regions: Collection[str] | None
) -> Mapping[str, Weights] | None:
    """Return shares with all requests of the region for one cluster; None: no region shares any more.

    Args:
        service: before the change.
        cluster_id: the cluster that gets all requests.
        region: the region; None: all.
        regions: those that exist; empty or None: not known.
    """
    if region is None:
        return None
    others = {name: shares for name, shares in service.traffic_by_region.items() if name != region}
    if DEFAULT_REGION not in others:
        return others or None
    shared = [name for name, shares in others.items() if name != DEFAULT_REGION and len(shares) > 1]
    if regions and not {*regions} - {*others, region} and not shared:
        return None
    return {**others, region: {cluster_id: 1}}


def _live_by_region(service: Service) -> Mapping[str, str]:
    return {DEFAULT_REGION: service.live} if isinstance(service.live, str) else service.live
