"""Routes for the operator: what runs where, and switches of what is live."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from bluegrid.operations import LiveBefore, changes_of
from bluegrid.updates.bad_versions import Bad
from bluegrid.updates.errors import not_found
from bluegrid.updates.http.revalidation import Revalidated
from bluegrid.updates.http.server import Server
from bluegrid.updates.switches import Switch, SwitchWanted
from bluegrid.updates.tokens import Scope
from bluegrid.updates.updates import RollingOut, Update
from bluegrid.updates.watching import RegionStatus
from bluegrid_registry import RegistryFile, Service
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Label

MAX_COMMITS = 20
"""Most changes of a service's history that are returned."""

SwitchId = Annotated[int, Path(ge=1, le=2**62)]


class Why(Frozen):
    """Why a version should not be live."""

    why: Annotated[str, Field(min_length=1, max_length=500)]


class DeclaredCluster(Frozen):
    """A cluster, as YAML declares it."""

    id: Label
    version: Label
    bad: Bad | None
    """Why its version should not be live; None: nobody says so."""


class Before(Frozen):
    """The cluster that was live before, and the commit that switched away from it."""

    cluster: Label
    until: str
    commit: str
    """Empty: the switch is not committed yet."""
    author: str
    time: str
    """Of the commit, with its author's zone."""
    subject: str


class DeclaredRegion(Frozen):
    """What YAML says of a service in one of this server's regions."""

    region: Label
    stack: str
    live: Label
    before: Before | None
    """None: no other was, its version is marked bad, or git does not tell."""


class DeclaredService(Frozen):
    """A service, as YAML declares it."""

    name: Label
    set: Label
    path: str
    clusters: tuple[DeclaredCluster, ...]
    regions: tuple[DeclaredRegion, ...]
    update: int | None
    """The update that is being rolled out to it."""
    version: Label | None
    """The version that it rolls out."""
    rollout: RollingOut | None
    """How far that is; cancelling the update makes it go back."""
    fault: str | None
    """A mistake in the set's file, which is used as it was before that; None: it has none."""


class ServerRegion(Frozen):
    """A region of this server's."""

    region: Label
    stack: str


class ServiceCommit(Frozen):
    """A commit that changed what is declared of a service."""

    commit: str
    """Empty: it is not committed yet."""
    author: str
    time: str
    subject: str
    changes: tuple[str, ...]


class SwitchPreview(Frozen):
    """What a switch would do in a region."""

    region: Label
    changes: tuple[str, ...]
    """What becomes of the service, each a sentence."""
    steps: tuple[str, ...]
    """What Pulumi would do, each on a line."""
    errors: tuple[str, ...]
    """Why Pulumi would not."""
    refusal: str | None
    """Why the cluster cannot take over now."""


def operating(server: Server) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=Revalidated)
    may_read, may_switch = server.allowed(Scope.READ), server.allowed(Scope.SWITCH)

    @router.get("/services", dependencies=[may_read])
    def services() -> Sequence[DeclaredService]:
        """Every service as YAML declares it, and which cluster was live before."""
        rolling_out = server.journal.rolling_out()
        return [_declared(server, file, file.service, rolling_out) for file in server.files() if file.service]

    @router.get("/services/{service}/history", dependencies=[may_read])
    def history(service: Label) -> Sequence[ServiceCommit]:
        """What commits changed of a service, newest first: who, when, what."""
        file = server.file_of_service(service)
        changes = changes_of(service, server.source.registry / f"{file.set.id}.yaml")
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

    @router.get("/regions", dependencies=[may_read])
    def regions() -> Sequence[ServerRegion]:
        """The regions of this server's, in order; nothing is asked of them."""
        stacks = server.rollouts.stacks.declared()
        return [ServerRegion(region=stack.region, stack=stack.name) for stack in stacks]

    @router.get("/status", dependencies=[may_read])
    def status(region: Label | None = None) -> Sequence[RegionStatus]:
        """What runs in every region of this server's, asked of Kubernetes and of the pods.

        With `region` the answer comes within 2 s, with what was known before where the region has not
        answered by then; without it every region is waited for.
        """
        found = server.watcher.regions(region)
        if region is not None and not found:
            known = dict.fromkeys(stack.region for stack in server.rollouts.stacks.declared())
            raise not_found(f"this server has no region {region}; it has {', '.join(known) or 'none'}")
        return found

    @router.get("/services/{service}/switches/preview", dependencies=[may_switch])
    def preview(service: Label, cluster: Label, region: Label | None = None) -> Sequence[SwitchPreview]:
        """What a switch would do, by a preview of Pulumi's: nothing is changed."""
        file = _with_cluster(server, service, cluster)
        regions = server.switcher.regions_of(file, [region] if region else None)
        return [
            SwitchPreview(
                region=each.region,
                changes=each.rehearsal.changes,
                steps=each.rehearsal.steps,
                errors=each.rehearsal.errors,
                refusal=each.refusal,
            )
            for each in server.switcher.rehearse(service, cluster, regions)
        ]

    @router.post("/services/{service}/switches", status_code=202)
    def switch(
        service: Label, wanted: SwitchWanted, response: Response, author: Annotated[str, may_switch]
    ) -> Switch:
        """Make a cluster live, region by region; all go back where one does badly."""
        file = _with_cluster(server, service, wanted.cluster)
        regions = server.switcher.regions_of(file, wanted.regions)
        before = [_before(server, file, region) for region in regions]
        is_way_back = all(each is not None and each.cluster == wanted.cluster for each in before)
        added = server.switches.add(
            file.set.id, service, wanted.cluster, regions, author, is_way_back=is_way_back
        )
        server.switcher.worker.wake()
        response.headers["Location"] = f"/switches/{added.id}"
        return added

    @router.put("/modelSets/{set_id}/versions/{version_id}/bad")
    def mark(set_id: Label, version_id: Label, why: Why, author: Annotated[str, may_switch]) -> Bad:
        """Mark a version as one that should not be live: no rollout makes it so, and no rollback is to it."""
        known = [each.id for each in server.file_of(set_id).versions]
        if version_id not in known:
            raise not_found(
                f"set {set_id} has no version {version_id}; declared: {', '.join(known) or 'none'}"
            )
        return server.bad.mark(set_id, version_id, author, why.why)

    @router.delete("/modelSets/{set_id}/versions/{version_id}/bad", status_code=204)
    def unmark(set_id: Label, version_id: Label, author: Annotated[str, may_switch]) -> None:
        """Take the mark away."""
        server.bad.clear(server.file_of(set_id).set.id, version_id, author)

    @router.get("/switches", dependencies=[may_read])
    def switches(
        service: Label | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 20
    ) -> Sequence[Switch]:
        """Switches, newest first."""
        return server.switches.list(service, limit)

    @router.get("/switches/{switch_id}", dependencies=[may_read])
    def one_switch(switch_id: SwitchId) -> Switch:
        """One switch, and how far it is."""
        return server.switches.get(switch_id)

    return router


def _with_cluster(server: Server, service: str, cluster: str) -> RegistryFile:
    """Return the file of a service that declares the cluster, or raise Refused."""
    file = server.file_of_service(service)
    assert file.service is not None  # noqa: S101 - it was found by its service
    known = [each.id for each in file.service.clusters]
    if cluster not in known:
        raise not_found(f"service {service} has no cluster {cluster}; declared: {', '.join(known)}")
    return file


def _declared(
    server: Server, file: RegistryFile, service: Service, rolling_out: Mapping[str, Update]
) -> DeclaredService:
    bad, update = server.bad.of(file.set.id), rolling_out.get(file.set.id)
    return DeclaredService(
        name=service.name,
        set=file.set.id,
        path=f"/modelService/{service.name}",
        clusters=tuple(
            DeclaredCluster(id=each.id, version=each.version, bad=bad.get(each.version))
            for each in service.clusters
        ),
        regions=tuple(_regions(server, file, service)),
        update=update.id if update else None,
        version=update.version if update else None,
        rollout=update.rollout if update else None,
        fault=server.declared.faults().get(file.set.id),
    )


def _before(server: Server, file: RegistryFile, region: str) -> LiveBefore | None:
    """Return the cluster to go back to, unless its version is marked bad."""
    found, service = server.declared.before(file, region), file.service
    if found is None or service is None:
        return None
    return None if service.cluster(found.cluster).version in server.bad.of(file.set.id) else found


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


def _regions(server: Server, file: RegistryFile, service: Service) -> Iterator[DeclaredRegion]:
    for stack in server.rollouts.stacks.declared():
        if service.is_in(stack.region):
            found = _before(server, file, stack.region)
            yield DeclaredRegion(
                region=stack.region,
                stack=stack.name,
                live=service.live_in(stack.region),
                before=_as_before(found) if found else None,
            )
