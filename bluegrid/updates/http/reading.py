"""Routes that only look: sets, versions, models, the audit log."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from bluegrid.updates.bad_versions import Bad
from bluegrid.updates.errors import not_found
from bluegrid.updates.http.revalidation import Revalidated
from bluegrid.updates.http.server import Server
from bluegrid.updates.tokens import Scope
from bluegrid.updates.updates import SCHEDULE, State
from bluegrid_registry import ModelRow, RegistryFile, Store, Version, compare_versions, read_manifest
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Digest, Label, Uid


class SetRow(Frozen):
    """A model set."""

    id: Label
    name: str
    type: str
    source: str
    versions: int
    service: str | None
    fault: str | None
    """A mistake in its file, which is used as it was before that; None: it has none."""


class VersionRow(Frozen):
    """A version of a set, and which clusters serve it."""

    id: Label
    manifest: Digest
    updated: AwareDatetime
    clusters: tuple[str, ...]
    bad: Bad | None
    """Why it should not be live; None: nobody says so."""


class ModelInVersion(Frozen):
    """A model of a version."""

    uid: str
    sha256: str
    bytes: int


class VersionChanges(Frozen):
    """What a version has that another had not, by UID."""

    version: Label
    since: Label | None
    """None: it is the first, and all its models are added."""
    models: int
    changed: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]


class ModelChange(StrEnum):
    """What a version did to a model."""

    ADDED = "added"
    CHANGED = "changed"
    SAME = "same"
    REMOVED = "removed"
    ABSENT = "absent"


class ModelOfVersion(Frozen):
    """A model as one version has it."""

    version: Label
    updated: AwareDatetime
    change: ModelChange
    """Against the version before."""
    sha256: str | None
    bytes: int | None


class ScheduleRow(Frozen):
    """When a set is trained by the clock."""

    set: Label
    when: str
    time_zone: str
    last: AwareDatetime | None
    """When the last update was asked for; None: none was yet."""
    update: int | None
    """That update."""
    state: State | None
    next: AwareDatetime | None


class Act(Frozen):
    """One line of the audit log: who did what to which update, and when."""

    id: int
    time: AwareDatetime
    author: str
    act: str
    update_id: int | None
    detail: Mapping[str, Any]


def reading(server: Server) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=Revalidated, dependencies=[server.allowed(Scope.READ)])

    @router.get("/modelSets")
    def sets() -> Sequence[SetRow]:
        """Every model set."""
        faults = server.declared.faults()
        return [_set_row(file, faults) for file in server.files()]

    @router.get("/modelSets/{set_id}")
    def one_set(set_id: Label) -> SetRow:
        """One model set."""
        return _set_row(server.file_of(set_id), server.declared.faults())

    @router.get("/modelSets/{set_id}/versions")
    def versions(set_id: Label) -> Sequence[VersionRow]:
        """The versions of a set, oldest first."""
        file = server.file_of(set_id)
        bad = server.bad.of(set_id)
        return [_version_row(file, version, bad.get(version.id)) for version in file.versions]

    @router.get("/modelSets/{set_id}/versions/{version_id}/models")
    def models(set_id: Label, version_id: Label) -> Sequence[ModelInVersion]:
        """The models of a version, by UID."""
        version = _version(server.file_of(set_id), version_id)
        manifest = read_manifest(server.store, set_id, version_id, version.manifest)
        return [
            ModelInVersion(uid=row.uid, sha256=row.sha256, bytes=row.raw_length) for row in manifest.models
        ]

    @router.get("/modelSets/{set_id}/versions/{version_id}/changes")
    def changes(set_id: Label, version_id: Label, since: Label | None = None) -> VersionChanges:
        """What a version changed, against the version before it or another one."""
        file = server.file_of(set_id)
        version = _version(file, version_id)
        place = file.versions.index(version)
        before = _version(file, since) if since else (file.versions[place - 1] if place else None)
        if before is None:
            uids = tuple(
                row.uid for row in read_manifest(server.store, set_id, version_id, version.manifest).models
            )
            return VersionChanges(
                version=version_id, since=None, models=len(uids), changed=(), added=uids, removed=()
            )
        found = compare_versions(server.store, set_id, before, version)
        return VersionChanges(
            version=version_id,
            since=before.id,
            models=found.unchanged + len(found.changed) + len(found.added),
            changed=tuple(row.uid for row in found.changed),
            added=tuple(row.uid for row in found.added),
            removed=tuple(row.uid for row in found.removed),
        )

    @router.get("/modelSets/{set_id}/models/{uid}")
    def one_model(
        set_id: Label,
        uid: Uid,
        limit: Annotated[int, Query(ge=1, le=100, description="Versions that are looked at.")] = 20,
    ) -> Sequence[ModelOfVersion]:
        """What became of a model from version to version, newest first."""
        # One more, to know what changed in the oldest that is returned.
        versions = server.file_of(set_id).versions[-limit - 1 :]
        rows = [*_history(server.store, set_id, uid, versions)][-limit:]
        if all(row.change is ModelChange.ABSENT for row in rows):
            raise not_found(f"set {set_id} has no model {uid} in its newest {len(rows)} versions")
        return rows[::-1]

    @router.get("/schedules")
    def schedules() -> Sequence[ScheduleRow]:
        """Every set that is trained by the clock: when it was, what came of it, and when it will be."""
        return [*_schedules(server)]

    @router.get("/acts")
    def acts(
        after: Annotated[int, Query(ge=0, le=2**62, description="The last act that is known.")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        newest: Annotated[bool, Query(description="The newest first, instead of the oldest.")] = False,
        before: Annotated[
            int | None, Query(ge=1, le=2**62, description="The oldest act that is known.")
        ] = None,
    ) -> Sequence[Act]:
        """The audit log."""
        return [Act(**row) for row in server.journal.acts(after, limit, newest=newest, before=before)]

    return router


def _schedules(server: Server) -> Iterator[ScheduleRow]:
    now = datetime.now(UTC)
    for file in server.files():
        if file.set.update is not None and (schedule := file.set.update.schedule) is not None:
            last = server.journal.last_of(file.set.id, SCHEDULE)
            yield ScheduleRow(
                set=file.set.id,
                when=schedule.when,
                time_zone=schedule.time_zone,
                last=last.created if last else None,
                update=last.id if last else None,
                state=last.state if last else None,
                next=server.runner.scheduler.next_run(file, now),
            )


def _set_row(file: RegistryFile, faults: Mapping[str, str]) -> SetRow:
    declared = file.set
    return SetRow(
        id=declared.id,
        name=declared.name,
        type=str(declared.type),
        source=declared.source,
        versions=len(file.versions),
        service=file.service.name if file.service else None,
        fault=faults.get(declared.id),
    )


def _version(file: RegistryFile, version_id: str) -> Version:
    known = {version.id: version for version in file.versions}
    if version_id not in known:
        raise not_found(
            f"set {file.set.id} has no version {version_id}; declared: {', '.join(known) or 'none'}"
        )
    return known[version_id]


def _history(store: Store, set_id: str, uid: str, versions: Sequence[Version]) -> Iterator[ModelOfVersion]:
    before: ModelRow | None = None
    for version in versions:
        manifest = read_manifest(store, set_id, version.id, version.manifest)
        now = next((row for row in manifest.models if row.uid == uid), None)
        yield ModelOfVersion(
            version=version.id,
            updated=version.updated,
            change=_change(before, now),
            sha256=now.sha256 if now else None,
            bytes=now.raw_length if now else None,
        )
        before = now


def _change(before: ModelRow | None, now: ModelRow | None) -> ModelChange:
    if now is None:
        return ModelChange.REMOVED if before else ModelChange.ABSENT
    if before is None:
        return ModelChange.ADDED
    return ModelChange.SAME if before.sha256 == now.sha256 else ModelChange.CHANGED


def _version_row(file: RegistryFile, version: Version, bad: Bad | None) -> VersionRow:
    clusters = file.service.clusters if file.service else ()
    return VersionRow(
        id=version.id,
        manifest=version.manifest,
        updated=version.updated,
        clusters=tuple(cluster.id for cluster in clusters if cluster.version == version.id),
        bad=bad,
    )
