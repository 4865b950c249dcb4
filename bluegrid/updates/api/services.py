"""`/services`: what YAML declares of each service, and its history in git."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from fastapi import APIRouter

from bluegrid.operations import LiveBefore, changes_of
from bluegrid.project import Stack
from bluegrid.updates.api.dependencies import Dependencies
from bluegrid.updates.api.revalidation import Revalidated
from bluegrid.updates.api.tokens import Scope
from bluegrid.updates.jobs.bad_versions import BadMark
from bluegrid.updates.jobs.update import RolloutStatus, Update
from bluegrid_registry import RegistryFile, Service
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Label

MAX_COMMITS = 20
"""The most commits of a service's history that one response lists."""


class DeclaredCluster(Frozen):
    """A cluster, as YAML declares it."""

    id: Label
    version: Label
    shards: int
    """Parts of a version that is larger than a pod; 1: it has none."""
    bad: BadMark | None
    """Why its version should not be live; None: the version is not marked."""


class Before(Frozen):
    """The cluster that was live before, and the commit that switched away from it."""

    cluster: Label
    until: str
    commit: str
    """Empty: the switch is not committed yet."""
    author: str
    time: str
    """Of the commit, in its author's time zone."""
    subject: str


class DeclaredRegion(Frozen):
    """What YAML says of a service in one of this server's regions."""

    region: Label
    stack: str
    live: Label
    before: Before | None
    """None: no other cluster was live, its version is marked bad, or git does not know."""


class DeclaredService(Frozen):
    """A service, as YAML declares it."""

    name: Label
    set: Label
    path: str
    clusters: tuple[DeclaredCluster, ...]
    regions: tuple[DeclaredRegion, ...]
    update: int | None
    """The update that is being rolled out to the service."""
    version: Label | None
    """The version that is being rolled out."""
    rollout: RolloutStatus | None
    """The progress of the rollout; cancelling the update rolls it back."""
    fault: str | None
    """A mistake in the set's file, which is used as it was before; None: the file has none."""


class ServiceCommit(Frozen):
    """A commit that changed what is declared of a service."""

    commit: str
    """Empty: the change is not committed yet."""
    author: str
    time: str
    subject: str
    changes: tuple[str, ...]
    """Each a sentence."""


def routes(deps: Dependencies) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=Revalidated, dependencies=[deps.allowed(Scope.READ)])

    @router.get("/services")
    def services() -> Sequence[DeclaredService]:
        """Every service as YAML declares it, and which cluster was live before."""
        files = [file for file in deps.files() if file.service]
        shared = _Shared.read(deps, files)
        return [_declared(shared, file, file.service) for file in files if file.service]

    @router.get("/services/{service}/history")
    def history(service: Label) -> Sequence[ServiceCommit]:
        """What commits changed of a service, newest first: who, when, what."""
        file = deps.file_of_service(service)
        changes = changes_of(service, deps.source.registry / f"{file.set.id}.yaml")
        return [
            ServiceCommit(
                commit=each.commit.digest,
                author=each.commit.author,
                time=each.commit.time,
                subject=each.commit.subject,
                changes=each.changes,
            )
            for each in islice(changes, MAX_COMMITS)
        ]

    return router


@dataclass(frozen=True)
class _Shared:
    """What all services of one response have in common, read once: a registry may have hundreds."""

    faults: Mapping[str, str]
    stacks: Sequence[Stack]
    bad: Mapping[str, Mapping[str, BadMark]]
    rolling_out: Mapping[str, Update]
    before: Mapping[str, Mapping[str, LiveBefore | None]]

    @classmethod
    def read(cls, deps: Dependencies, files: Sequence[RegistryFile]) -> "_Shared":
        stacks = deps.rollouts.stacks.declared()
        return cls(
            deps.cache.faults(),
            stacks,
            deps.bad.by_set(),
            deps.queue.rolling_out(),
            deps.cache.before(files, [*dict.fromkeys(stack.region for stack in stacks)]),
        )


def _declared(shared: _Shared, file: RegistryFile, service: Service) -> DeclaredService:
    bad, update = shared.bad.get(file.set.id, {}), shared.rolling_out.get(file.set.id)
    return DeclaredService(
        name=service.name,
        set=file.set.id,
        path=f"/modelService/{service.name}",
        clusters=tuple(
            DeclaredCluster(id=each.id, version=each.version, shards=each.shards, bad=bad.get(each.version))
            for each in service.clusters
        ),
        regions=tuple(_regions(shared, service, bad)),
        update=update.id if update else None,
        version=update.version if update else None,
        rollout=update.rollout if update else None,
        fault=shared.faults.get(file.set.id),
    )


def _regions(shared: _Shared, service: Service, bad: Mapping[str, BadMark]) -> Iterator[DeclaredRegion]:
    for stack in shared.stacks:
        if stack.has(service):
            found = shared.before[service.name][stack.region]
            is_good = found is not None and service.cluster(found.cluster).version not in bad
            yield DeclaredRegion(
                region=stack.region,
                stack=stack.name,
                live=service.live_in(stack.region),
                before=_as_before(found) if found and is_good else None,
            )


def _as_before(found: LiveBefore) -> Before:
    commit = found.until
    return Before(
        cluster=found.cluster,
        until=str(commit),
        commit=commit.digest,
        author=commit.author,
        time=commit.time,
        subject=commit.subject,
    )
