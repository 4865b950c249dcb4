"""Routes that only look: sets, versions, models, the audit log."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from model_registry import RegistryFile, Version, read_manifest
from model_registry.frozen import Frozen
from model_registry.names import Digest, Label
from update_server.errors import not_found
from update_server.http.server import Server
from update_server.tokens import Scope


class SetRow(Frozen):
    """A model set."""

    id: Label
    name: str
    type: str
    source: str
    versions: int
    service: str | None


class VersionRow(Frozen):
    """A version of a set, and which clusters serve it."""

    id: Label
    manifest: Digest
    updated: AwareDatetime
    clusters: tuple[str, ...]


class ModelInVersion(Frozen):
    """A model of a version."""

    uid: str
    sha256: str
    bytes: int


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
    router = APIRouter(dependencies=[server.allowed(Scope.READ)])

    @router.get("/modelSets")
    def sets() -> Sequence[SetRow]:
        """Every model set."""
        return [_set_row(file) for file in server.files()]

    @router.get("/modelSets/{set_id}")
    def one_set(set_id: Label) -> SetRow:
        """One model set."""
        return _set_row(server.file_of(set_id))

    @router.get("/modelSets/{set_id}/versions")
    def versions(set_id: Label) -> Sequence[VersionRow]:
        """The versions of a set, oldest first."""
        file = server.file_of(set_id)
        return [_version_row(file, version) for version in file.versions]

    @router.get("/modelSets/{set_id}/versions/{version_id}/models")
    def models(set_id: Label, version_id: Label) -> Sequence[ModelInVersion]:
        """The models of a version, by UID."""
        known = {version.id: version for version in server.file_of(set_id).versions}
        if version_id not in known:
            raise not_found(
                f"set {set_id} has no version {version_id}; declared: {', '.join(known) or 'none'}"
            )
        manifest = read_manifest(server.store, set_id, version_id, known[version_id].manifest)
        return [
            ModelInVersion(uid=row.uid, sha256=row.sha256, bytes=row.raw_length) for row in manifest.models
        ]

    @router.get("/acts")
    def acts(
        after: Annotated[int, Query(ge=0, le=2**62, description="The last act that is known.")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Sequence[Act]:
        """The audit log, oldest first."""
        return [Act(**row) for row in server.journal.acts(after, limit)]

    return router


def _set_row(file: RegistryFile) -> SetRow:
    declared = file.set
    return SetRow(
        id=declared.id,
        name=declared.name,
        type=str(declared.type),
        source=declared.source,
        versions=len(file.versions),
        service=file.service.name if file.service else None,
    )


def _version_row(file: RegistryFile, version: Version) -> VersionRow:
    clusters = file.service.clusters if file.service else ()
    return VersionRow(
        id=version.id,
        manifest=version.manifest,
        updated=version.updated,
        clusters=tuple(cluster.id for cluster in clusters if cluster.version == version.id),
    )
