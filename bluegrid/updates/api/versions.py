"""`/modelSets/{set}/versions`: the versions of a set, their models and changes, and marks of bad versions."""

from collections.abc import Sequence
from typing import Annotated, TypedDict

from fastapi import APIRouter
from pydantic import AwareDatetime, Field

from bluegrid.updates.api.dependencies import Dependencies
from bluegrid.updates.api.revalidation import Revalidated
from bluegrid.updates.api.tokens import Scope
from bluegrid.updates.errors import not_found
from bluegrid.updates.jobs.bad_versions import BadMark
from bluegrid_registry import MetricChange, RegistryFile, Version, compare_versions, read_manifest
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.model_types.signature import ModelSignature
from bluegrid_registry.names import Digest, Label


class VersionRow(Frozen):
    """A version of a set, and which clusters serve it."""

    id: Label
    manifest: Digest
    updated: AwareDatetime
    """When the version was made."""
    clusters: tuple[str, ...]
    """The clusters that serve the version, live or standby."""
    bad: BadMark | None
    """Why the version should not be live; None: it is not marked."""


class ModelInVersion(Frozen):
    """A model of a version."""

    uid: str
    sha256: str
    """64 hexadecimal digits."""
    bytes: int
    """The size of the model, not compressed."""


class VersionChanges(Frozen):
    """The UIDs of the models in which a version differs from another one."""

    version: Label
    since: Label | None
    """The other version; None: there is no version before, and all models are added."""
    models: int
    """How many models the version has."""
    changed: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    breaking: tuple[str, ...]
    """Changes of what the models take and give by which clients break, as far as known."""
    inputs: tuple[str, ...]
    """What the models of the version take, such as `x FP64 [n, 3]`; empty: not known."""
    outputs: tuple[str, ...]
    """What they give; empty: not known."""
    metrics: tuple[MetricChange, ...] = ()
    """How the recorded quality of models that were trained again moved, by metric; empty: not known."""


class Why(Frozen):
    """Why a version should not be live."""

    why: Annotated[str, Field(min_length=1, max_length=500)]


def routes(deps: Dependencies) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=Revalidated)
    may_read, may_switch = deps.allowed(Scope.READ), deps.allowed(Scope.SWITCH)

    @router.get("/modelSets/{set_id}/versions", dependencies=[may_read])
    def versions(set_id: Label) -> Sequence[VersionRow]:
        """The versions of a set, oldest first."""
        file = deps.file_of(set_id)
        bad = deps.bad.of(set_id)
        return [_row(file, version, bad.get(version.id)) for version in file.versions]

    @router.get("/modelSets/{set_id}/versions/{version_id}/models", dependencies=[may_read])
    def models(set_id: Label, version_id: Label) -> Sequence[ModelInVersion]:
        """The models of a version, by UID."""
        version = _version(deps.file_of(set_id), version_id)
        manifest = read_manifest(deps.store, set_id, version_id, version.manifest)
        return [
            ModelInVersion(uid=row.uid, sha256=row.sha256, bytes=row.raw_length) for row in manifest.models
        ]

    @router.get("/modelSets/{set_id}/versions/{version_id}/changes", dependencies=[may_read])
    def changes(set_id: Label, version_id: Label, since: Label | None = None) -> VersionChanges:
        """What a version changed, compared with the version before it or with another one."""
        file = deps.file_of(set_id)
        version = _version(file, version_id)
        index = file.versions.index(version)
        before = _version(file, since) if since else (file.versions[index - 1] if index else None)
        if before is None:
            manifest = read_manifest(deps.store, set_id, version_id, version.manifest)
            uids = tuple(row.uid for row in manifest.models)
            return VersionChanges(
                version=version_id,
                since=None,
                models=len(uids),
                changed=(),
                added=uids,
                removed=(),
                breaking=(),
                **_tensors(manifest.signature),
            )
        diff = compare_versions(deps.store, set_id, before, version, with_answers=False)
        return VersionChanges(
            version=version_id,
            since=before.id,
            models=diff.unchanged + len(diff.changed) + len(diff.added),
            changed=tuple(row.uid for row in diff.changed),
            added=tuple(row.uid for row in diff.added),
            removed=tuple(row.uid for row in diff.removed),
            breaking=diff.breaking,
            metrics=diff.metrics,
            **_tensors(diff.signature),
        )

    @router.put("/modelSets/{set_id}/versions/{version_id}/bad")
    def mark(set_id: Label, version_id: Label, why: Why, author: Annotated[str, may_switch]) -> BadMark:
        """Mark a version as bad: no rollout makes it live, and no rollback leads to it."""
        version = _version(deps.file_of(set_id), version_id)
        return deps.bad.mark(set_id, version.id, author, why.why)

    @router.delete("/modelSets/{set_id}/versions/{version_id}/bad", status_code=204)
    def unmark(set_id: Label, version_id: Label, author: Annotated[str, may_switch]) -> None:
        """Remove the mark."""
        deps.bad.clear(deps.file_of(set_id).set.id, version_id, author)

    return router


class _Tensors(TypedDict):
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def _tensors(signature: ModelSignature | None) -> _Tensors:
    found = signature or ModelSignature()
    return _Tensors(
        inputs=tuple(str(tensor) for tensor in found.inputs),
        outputs=tuple(str(tensor) for tensor in found.outputs),
    )


def _version(file: RegistryFile, version_id: str) -> Version:
    known = {version.id: version for version in file.versions}
    if version_id not in known:
        raise not_found(
            f"set {file.set.id} has no version {version_id}; declared: {', '.join(known) or 'none'}"
        )
    return known[version_id]


def _row(file: RegistryFile, version: Version, bad: BadMark | None) -> VersionRow:
    clusters = file.service.clusters if file.service else ()
    return VersionRow(
        id=version.id,
        manifest=version.manifest,
        updated=version.updated,
        clusters=tuple(cluster.id for cluster in clusters if cluster.version == version.id),
        bad=bad,
    )
