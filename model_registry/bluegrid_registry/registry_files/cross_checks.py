"""Rules between values of a registry file, and between files.

All mistakes are reported in one run, so these checks also work on files that the schema refuses: they use the
names that exist and skip missing ones. The schema reports values that are wrong by themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bluegrid_registry import contract
from bluegrid_registry.names import MAX_LABEL
from bluegrid_registry.registry_files.service_schema import DEFAULT_REGION, SMALLEST_SHARE
from bluegrid_registry.registry_files.version_rows import NOT_READ, VersionRows
from bluegrid_registry.shards import MAX_SHARDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from bluegrid_registry.registry_files import yaml_source
    from bluegrid_registry.registry_files.yaml_source import YamlSource


def check_file(source: YamlSource, stem: str, others: Collection[str] = ()) -> None:
    """Note contradictions between values of `<stem>.yaml`; `others` are the stems of all files."""
    for set_id, path in source.names("set", "id"):
        if set_id in others and set_id != stem:
            source.note(path, f"{set_id} is the set of {set_id}.yaml; give this one its file's name, {stem}")
        elif set_id != stem:
            source.note(path, f"a set's file has its ID as name; rename the file to {set_id}.yaml")
    for what, keys in (
        ("version", ("versions", ..., "id")),
        ("cluster", ("service", "clusters", ..., "id")),
        ("region", ("service", "regions", ...)),
    ):
        seen: set[str] = set()
        for name, path in source.names(*keys):
            if name in seen:
                source.note(path, f"duplicate {what} {name}; IDs are unique in a file")
            seen.add(name)
    _check_versions_of_clusters(source)
    _check_live(source)
    _check_traffic(source)


def check_names(sources: Mapping[Path, YamlSource]) -> None:
    """Note names of services and clusters that are too long, or that two objects share."""
    services: dict[str, Path] = {}
    owners: dict[str, tuple[str, Path]] = {}
    for file, source in sources.items():
        for service, path in source.names("service", "name"):
            where = services.setdefault(service, file)
            if where != file:
                source.note(path, f"{service} is the service of {where} too; a name is one service's")
                continue
            # A live Ingress is named <service>, a standing one <service>-<cluster>, in one namespace.
            named = [(service, f"service {service}", path)]
            for cluster, place in source.names("service", "clusters", ..., "id"):
                named.append((f"{service}-{cluster}", f"cluster {cluster} of service {service}", place))
                named += [
                    (f"{service}-{shard}", f"shard {shard} of service {service}", place)
                    for shard in _shards(source, cluster, place)
                ]
            too_long: set[yaml_source.Path] = set()
            for name, owner, place in named:
                if len(name) > MAX_LABEL and place not in too_long:
                    too_long.add(place)
                    long = f"{name} has {len(name)} characters, a Kubernetes name at most {MAX_LABEL}"
                    source.note(place, long)
                taken_by, where = owners.setdefault(name, (owner, file))
                if taken_by != owner:
                    source.note(place, f"{owner} and {taken_by} of {where} are both named {name}; rename one")


def _shards(source: YamlSource, cluster: str, place: yaml_source.Path) -> list[str]:
    """Return the names of a cluster's shards within its service; without shards, there are none."""
    row = source.data
    for key in place[:-1]:
        row = row[key]
    count = row.get("shards")
    is_valid = type(count) is int and 1 < count <= MAX_SHARDS
    return [contract.shard_id(cluster, index) for index in range(count)] if is_valid else []


def _check_versions_of_clusters(source: YamlSource) -> None:
    declared = _declared_versions(source)
    if declared is None:
        return
    clusters = {path[:-1]: cluster for cluster, path in source.names("service", "clusters", ..., "id")}
    users: dict[str, str] = {}
    for version, path in source.names("service", "clusters", ..., "version"):
        if version not in declared:
            source.note(path, f"{version} is not a version of this set; declared: {_listed(declared)}")
        elif version in users:
            source.note(path, f"{version} has cluster {users[version]} already; a version has one cluster")
        users.setdefault(version, clusters.get(path[:-1], "without ID"))


def _declared_versions(source: YamlSource) -> Collection[str] | None:
    """Return the IDs of a file's versions; None: they are not read."""
    rows = _value(source.data, "versions")
    if rows is NOT_READ:
        return None
    if isinstance(rows, VersionRows):
        return rows.ids
    return [version for version, _ in source.names("versions", ..., "id")]


def _check_live(source: YamlSource) -> None:
    live, regions = ("service", "live"), ("service", "regions")
    is_by_region = isinstance(_value(source.data, *live), dict)
    if is_by_region and DEFAULT_REGION not in _mapping(source.data, *live):
        source.note(live, "has no default; add `default: <cluster>` for the regions that it does not name")
    service = next((name for name, _ in source.names("service", "name")), "this service")
    clusters = [cluster for cluster, _ in source.names("service", "clusters", ..., "id")]
    declared = [DEFAULT_REGION, *(name for name, _ in source.names(*regions, ...))]
    for cluster, path in source.names(*live, ...) if is_by_region else source.names(*live):
        if cluster not in clusters:
            source.note(path, f"{cluster} is not a cluster of {service}; declared: {_listed(clusters)}")
        names_regions = is_by_region and isinstance(_value(source.data, *regions), list)
        if names_regions and path[-1] not in declared:
            source.note(path, f"{path[-1]} is not a region of {service}; declared: {_listed(declared[1:])}")


def _check_traffic(source: YamlSource) -> None:
    traffic = ("service", "traffic")
    shares = _mapping(source.data, *traffic)
    is_by_region = any(isinstance(share, dict) for share in shares.values())
    places = {region: (*traffic, region) for region in shares} if is_by_region else {DEFAULT_REGION: traffic}
    clusters = [cluster for cluster, _ in source.names("service", "clusters", ..., "id")]
    regions = [region for region, _ in source.names("service", "regions", ...)]
    service = next((name for name, _ in source.names("service", "name")), "this service")
    for region, place in places.items():
        if regions and region not in (DEFAULT_REGION, *regions):
            source.note(place, f"{region} is not a region of {service}; declared: {_listed(regions)}")
        weights = _weights(source, place)
        for cluster, weight in weights.items():
            if cluster not in clusters:
                declared = f"declared: {_listed(clusters)}"
                source.note((*place, cluster), f"{cluster} is not a cluster of {service}; {declared}")
            elif 0 < weight < SMALLEST_SHARE * sum(weights.values()):
                fault = f"less than {SMALLEST_SHARE:.0%} of the requests; give it more, or 0"
                source.note((*place, cluster), fault)
    if isinstance(_value(source.data, *traffic), dict):
        _check_live_has_a_share(source, places)


def _check_live_has_a_share(source: YamlSource, places: Mapping[str, yaml_source.Path]) -> None:
    live = _mapping(source.data, "service", "live")
    if not live:
        live = {DEFAULT_REGION: _mapping(source.data, "service").get("live")}
    for region in dict.fromkeys([*places, *live]):
        cluster = live.get(region, live.get(DEFAULT_REGION))
        place = places.get(region, places.get(DEFAULT_REGION))
        if cluster is not None and place is not None and not _weights(source, place).get(cluster):
            where = "" if region == DEFAULT_REGION else f" in {region}"
            source.note(
                place, f"{cluster} is live{where} and has no share; give it one, or make another live"
            )


def _weights(source: YamlSource, place: yaml_source.Path) -> dict[str, int]:
    return {name: weight for name, weight in _mapping(source.data, *place).items() if type(weight) is int}


def _mapping(data: Any, *keys: str | int) -> dict[str, Any]:
    """Return the mapping at this place, or an empty one."""
    found = _value(data, *keys)
    return found if isinstance(found, dict) else {}


def _value(data: Any, *keys: str | int) -> Any:
    """Return the value at this place; None: there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names)) or "none"
