"""`/modelSets/{set}/models/{uid}`: one model from version to version; the UID may have slashes."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from bluegrid.updates.api.dependencies import Dependencies
from bluegrid.updates.api.revalidation import Revalidated
from bluegrid.updates.api.tokens import Scope
from bluegrid.updates.errors import not_found
from bluegrid_registry import Lineage, ModelRow, Store, Version, read_manifest
from bluegrid_registry.counts import counted
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Label, Uid

Limit = Annotated[int, Query(ge=1, le=100, description="How many of the newest versions to read.")]


class ModelChange(StrEnum):
    """The change of a model in a version."""

    ADDED = "added"
    CHANGED = "changed"
    SAME = "same"
    REMOVED = "removed"
    ABSENT = "absent"


class ModelOfVersion(Frozen):
    """A model as one version has it."""

    version: Label
    updated: AwareDatetime
    """When the version was made."""
    change: ModelChange
    """Compared with the version before."""
    sha256: str | None
    """64 hexadecimal digits; None: the version does not have the model."""
    bytes: int | None
    """The size of the model, not compressed."""
    lineage: Lineage | None
    """Who trained the model, from what, in which run, and its metrics then; None: not known."""


def routes(deps: Dependencies) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=Revalidated, dependencies=[deps.allowed(Scope.READ)])

    @router.get("/modelSets/{set_id}/models")
    def model_by_query(set_id: Label, uid: Uid, limit: Limit = 20) -> Sequence[ModelOfVersion]:
        """The history of a model whose UID a browser or a proxy would change in a path."""
        return history(set_id, uid, limit)

    @router.get("/modelSets/{set_id}/models/{uid:path}")
    def one_model(set_id: Label, uid: Uid, limit: Limit = 20) -> Sequence[ModelOfVersion]:
        """What became of a model from version to version, newest first."""
        return history(set_id, uid, limit)

    def history(set_id: str, uid: str, limit: int) -> Sequence[ModelOfVersion]:
        # One more version is read, to compute the change in the oldest version of the response.
        versions = deps.file_of(set_id).versions[-limit - 1 :]
        rows = [*_history(deps.store, set_id, uid, versions)][-limit:]
        if all(row.change is ModelChange.ABSENT for row in rows):
            raise not_found(f"set {set_id} has no model {uid} in its newest {counted(len(rows), 'version')}")
        return rows[::-1]

    return router


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
            lineage=now.lineage if now else None,
        )
        before = now


def _change(before: ModelRow | None, now: ModelRow | None) -> ModelChange:
    if now is None:
        return ModelChange.REMOVED if before else ModelChange.ABSENT
    if before is None:
        return ModelChange.ADDED
    return ModelChange.SAME if before.sha256 == now.sha256 else ModelChange.CHANGED
