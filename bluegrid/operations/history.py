"""Earlier declarations of a service, from the git history of its registry file.

The history follows the first parents of the branch: a merged pull request is one change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, pairwise, tee
from typing import TYPE_CHECKING, Any

from bluegrid.operations.registry_commits import (
    RegistryCommit,
    commit_named,
    commits_of,
    require_repository,
    texts_of,
)
from bluegrid_registry import ConfigError, RegistryError, Remedy
from bluegrid_registry.registry_files.service_schema import DEFAULT_REGION
from bluegrid_registry.registry_files.yaml_source import block_of, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from bluegrid_registry import Service

_REPORTED_FIELDS = ("version", "replicas", "shards", "cpu", "memory", "gpu")
"""The fields of a cluster whose changes are reported."""


@dataclass(frozen=True)
class Recorded:
    """A service as its file declared it at one commit, whatever the schema was then.

    Attributes:
        commit: the last that changed the file.
        name: of the service; None: there was none.
        live: ID of the live cluster, by region.
        clusters: the reported fields of each cluster, by ID.
    """

    commit: RegistryCommit
    name: str | None
    live: Mapping[str, str]
    clusters: Mapping[str, Mapping[str, Any]]

    def live_in(self, region: str | None) -> str | None:
        """Return the cluster that was live in a region."""
        return self.live.get(region or DEFAULT_REGION, self.live.get(DEFAULT_REGION))

    def version_of(self, cluster: str) -> str | None:
        """Return the version that a cluster served; None: the file does not say."""
        version = self.clusters.get(cluster, {}).get("version")
        return None if version is None else str(version)


@dataclass(frozen=True)
class Change:
    """The changes of a service in one commit, a line each."""

    commit: RegistryCommit
    changes: tuple[str, ...]


def recorded(file: Path) -> Iterator[Recorded]:
    """Yield a service as its registry file declares it now, then at each commit, newest first.

    Git walks back no further than the caller does.

    Raises:
        ConfigError: the file is in no git repository, or git is not installed.
    """
    now = file.read_text(encoding="utf-8")
    with commits_of(file) as commits, texts_of(file) as text_at:
        newest = next(commits, None)
        text = "" if newest is None else text_at(newest)
        if text != now:
            yield _read(RegistryCommit("", "", "", ""), now)
        if newest is None:
            return
        state = _read(newest, text)
        yield state
        block = block_of(text, "service")
        for commit in commits:
            # Most commits add a version, and leave the service as it is.
            before, block = block, block_of(text_at(commit), "service")
            state = replace(state, commit=commit) if block == before else _read(commit, block)
            yield state


def changes_of(service: str, file: Path, region: str | None = None) -> Iterator[Change]:
    """Yield the changes of a service by commit, newest first; without commits that did not change it.

    Args:
        service: name of the service.
        file: its registry file.
        region: the region whose live cluster counts; None: all regions.

    Raises:
        ConfigError: as `recorded`.
    """
    none = _read(RegistryCommit("", "", "", ""), "")
    for new, old in pairwise(chain(recorded(file), [none])):
        was, now = (each if each.name == service else none for each in (old, new))
        if changes := tuple(_changes(was, now, region)):
            yield Change(new.commit, changes)


@dataclass(frozen=True)
class LiveBefore:
    """The cluster that was live before the current one.

    Attributes:
        cluster: its ID.
        version: the version that it served then, by the file; None: not known.
        until: the commit that switched away from it.
    """

    cluster: str
    version: str | None
    until: RegistryCommit

    @property
    def when(self) -> str:
        """The words for the time."""
        return f"until {self.until}"


@dataclass(frozen=True)
class EarlierLive:
    """The live cluster of an earlier state that a user has named.

    Attributes:
        cluster: its ID.
        version: the version that it served then, by the file; None: not known.
        when: the words for the time, such as `at 5a27d0c… of 2026-11-25T20:10 by Ada: d2 goes live`.
    """

    cluster: str
    version: str | None
    when: str


def live_before(file: Path, service: Service, region: str | None, *, everywhere: bool = False) -> LiveBefore:
    """Return the cluster that was live before the current one.

    Args:
        file: the service's registry file.
        service: as the file declares it now.
        region: the region; None: all, for a service with the same live cluster everywhere.
        everywhere: whether all regions are meant, also if they differ now.

    Raises:
        ConfigError: as `recorded`.
        RegistryError: no other cluster was live, it is not declared any more, or regions differ.
    """
    if region is not None or isinstance(service.live, str):
        return _before(file, recorded(file), service, region)
    if not everywhere and len({*service.live.values()}) > 1:
        raise _by_region(service.name, service.live)
    found = {name: _before(file, recorded(file), service, name) for name in service.live}
    if len({each.cluster for each in found.values()}) > 1:
        were = {name: each.cluster for name, each in found.items()}
        choices = ", ".join(f"{name} ({cluster})" for name, cluster in were.items())
        raise RegistryError(
            f"{service.name}: other clusters were live by region: {choices}", Remedy.NAME_REGION
        )
    return found[DEFAULT_REGION]


def lives_before(file: Path, service: Service, regions: Sequence[str]) -> dict[str, LiveBefore | None]:
    """Return the same as `live_before` for each of several regions, from one read of the history.

    None stands for a region in which no other cluster was live that is declared now.

    Raises:
        ConfigError: as `recorded`.
    """
    found: dict[str, LiveBefore | None] = {}
    for region, states in zip(regions, tee(recorded(file), len(regions)), strict=True):
        try:
            found[region] = _before(file, states, service, region)
        except RegistryError:
            found[region] = None
    return found


def live_at(file: Path, service: Service, region: str | None, to: str) -> EarlierLive:
    """Return the cluster of an earlier state: one that was live, or the one that a commit made live.

    Args:
        file: the service's registry file.
        service: as the file declares it now.
        region: the region; None: all.
        to: ID of a cluster, or a commit as git names it.

    Raises:
        ConfigError: as `recorded`.
        RegistryError: the cluster was never live, or there is no such commit; the cluster is live now, is not
            declared any more, or serves another version now than at the commit; or regions differed.
    """
    if to in [cluster.id for cluster in service.clusters]:
        return _last(file, service, region, to)
    return _at_commit(file, service, region, to)


def _last(file: Path, service: Service, region: str | None, cluster: str) -> EarlierLive:
    """Return when a declared cluster was live last."""
    if service.live_in(region or DEFAULT_REGION) == cluster:
        # A rollback that is repeated, after its update has failed, is no mistake.
        return EarlierLive(cluster, None, "already, by the file")
    for later, earlier in pairwise(recorded(file)):
        if earlier.name == service.name and earlier.live_in(region) == cluster != later.live_in(region):
            return EarlierLive(cluster, earlier.version_of(cluster), f"until {later.commit}")
    fault = f"{file}: in its git history {cluster} was not live before"
    raise RegistryError(f"{fault}; to make it live: bluegrid switch {service.name} {cluster}")


def _at_commit(file: Path, service: Service, region: str | None, to: str) -> EarlierLive:
    """Return the cluster that was live at a commit, if it serves the same version now."""
    try:
        commit = commit_named(file, to)
    except ConfigError:
        # Without a repository this says so.
        require_repository(file)
        declared = ", ".join(cluster.id for cluster in service.clusters)
        fault = f"{to} is neither a cluster of {service.name} (declared: {declared}) nor a commit"
        raise RegistryError(f"{fault}; see `bluegrid history {service.name}`") from None
    with texts_of(file) as text_at:
        state = _read(commit, text_at(commit))
    cluster = state.live_in(region)
    if state.name != service.name or cluster is None:
        raise RegistryError(
            f"{service.name} was not online at {commit}; see `bluegrid history {service.name}`"
        )
    if region is None and len({*state.live.values()}) > 1:
        raise _by_region(f"{service.name} at {commit.digest[:10]}", state.live)
    now = {each.id: each.version for each in service.clusters}
    version = state.version_of(cluster)
    if now.get(cluster) != version:
        others = [name for name, each in now.items() if each == version]
        serves = f"and serves {now[cluster]} now" if cluster in now else "and is declared no more"
        remedy = (
            f"{' and '.join(others)} serves {version}: bluegrid switch {service.name} {others[0]}"
            if others
            else f"declare {version} again: bluegrid cluster add {service.name} <cluster> --version {version}"
        )
        raise RegistryError(f"at {commit.digest[:10]} {cluster} was live with {version}, {serves}; {remedy}")
    return EarlierLive(cluster, version, f"at {commit}")


def _before(file: Path, states: Iterable[Recorded], service: Service, region: str | None) -> LiveBefore:
    """Return the cluster that was live before the current one, in one region or everywhere."""
    now = service.live_in(region or DEFAULT_REGION)
    remedy = f"name it: bluegrid switch {service.name} <cluster>"
    declared = ", ".join(cluster.id for cluster in service.clusters)
    for later, earlier in pairwise(states):
        was = earlier.live_in(region)
        if earlier.name != service.name or was is None or was == now:
            continue
        if was not in [cluster.id for cluster in service.clusters]:
            gone = f"{was} was live until {later.commit}, and is declared no more"
            raise RegistryError(f"{gone}; {remedy}; declared: {declared}")
        return LiveBefore(was, earlier.version_of(was), later.commit)
    never = f"{file}: in its git history no other cluster than {now} was live"
    raise RegistryError(f"{never}; {remedy}; declared: {declared}")


def _by_region(what: str, live: Mapping[str, str]) -> RegistryError:
    choices = ", ".join(f"{name} ({cluster})" for name, cluster in live.items())
    return RegistryError(f"{what} is live by region: {choices}", Remedy.NAME_REGION)


def _read(commit: RegistryCommit, text: str) -> Recorded:
    # Only the block `service:`, because a file may have thousands of versions and hundreds of commits.
    data = read_yaml(block_of(text, "service")).data
    service = data.get("service") if isinstance(data, dict) else None
    service = service if isinstance(service, dict) else {}
    live = service.get("live", {})
    rows = service.get("clusters") or ()
    clusters = {
        str(row["id"]): {key: row[key] for key in _REPORTED_FIELDS if key in row}
        for row in rows
        if isinstance(row, dict) and "id" in row
    }
    return Recorded(
        commit,
        service.get("name"),
        {str(region): str(cluster) for region, cluster in live.items()}
        if isinstance(live, dict)
        else {DEFAULT_REGION: str(live)},
        clusters,
    )


def _changes(old: Recorded, new: Recorded, only: str | None) -> Iterator[str]:
    for region in dict.fromkeys([*new.live, *old.live]) if only is None else (only,):
        was, now = old.live_in(region), new.live_in(region)
        if was != now:
            where = "" if region in (DEFAULT_REGION, only) else f" in {region}"
            yield f"live{where}: {was or 'none'} -> {now or 'none'}"
    for cluster in sorted({*old.clusters, *new.clusters}):
        before, after = old.clusters.get(cluster), new.clusters.get(cluster)
        if before is None and after is not None:
            yield f"{cluster} added: version {after.get('version')}, replicas {after.get('replicas', 1)}"
        elif after is None and before is not None:
            yield f"{cluster} removed: version {before.get('version')}, replicas {before.get('replicas', 1)}"
        elif before is not None and after is not None:
            for key in _REPORTED_FIELDS:
                if before.get(key) != after.get(key):
                    yield f"{cluster} {key}: {before.get(key, 'default')} -> {after.get(key, 'default')}"
