"""Edits of the live cluster of a service, and of the shares of its requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid_registry.errors import RegistryError
from bluegrid_registry.registry_files.registry import open_registry
from bluegrid_registry.registry_files.service_schema import DEFAULT_REGION
from bluegrid_registry.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
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


def switch(folder: Path, service: str, cluster_id: str, region: str | None = None) -> SwitchResult:
    """Make a cluster live, with all requests: one word of the file changes, and `traffic` is removed.

    Args:
        folder: the registry.
        service: the service.
        cluster_id: one of its clusters.
        region: the region to switch, or `default`: the regions that `live` does not name. None: all regions,
            for a service with the same live cluster everywhere.

    Raises:
        RegistryError: there is no such service, cluster or region, the regions differ and `region` is None,
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


def share_traffic(
    folder: Path, service: str, weights: Mapping[str, int], region: str | None = None
) -> Sharing:
    """Share the requests of a service among clusters; `switch` ends it.

    Args:
        folder: the registry.
        service: the service.
        weights: of at least two clusters, including the live one; a cluster's share is its weight divided by
            the sum of all.
        region: the region, or `default`: the regions that `live` and `traffic` do not name. None: all
            regions, for a service that is the same everywhere.

    Raises:
        RegistryError: there is no such service, cluster or region, the live cluster has no share, a share is
            too small, the regions differ and `region` is None, or the registry has mistakes.
    """
    with open_registry(folder) as opened:
        file, offered = opened.service(service)
        for cluster_id in weights:
            offered.cluster(cluster_id)
        live = offered.live_in(region or DEFAULT_REGION)
        if not weights.get(live) or len(weights) < 2:
            fault = f"{live} is live, and {service} shares its requests with others"
            raise RegistryError(fault, Remedy.SHARE_OR_SWITCH, service=service)
        shares = offered.traffic_by_region
        is_alike = isinstance(offered.live, str) and not shares.keys() - {DEFAULT_REGION}
        if region is None and not is_alike:
            named = {**_live_by_region(offered), **shares}
            raise RegistryError(f"{service} differs by region: name one of {', '.join(named)}")
        now = dict(weights) if region is None else {**shares, region: dict(weights)}
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


def _all_to(cluster_id: str, region: str, shares: Mapping[str, Weights]) -> Mapping[str, Weights] | None:
    """Return shares with all requests of this region for one cluster, and unchanged other regions."""
    others = {name: weights for name, weights in shares.items() if name != region}
    return ({**others, region: {cluster_id: 1}} if DEFAULT_REGION in others else others) or None


def _live_by_region(service: Service) -> Mapping[str, str]:
    return {DEFAULT_REGION: service.live} if isinstance(service.live, str) else service.live
