"""`/updates`: requests for new versions, and their progress."""

import base64
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Path, Query, Request, Response

from bluegrid.updates.api.dependencies import Dependencies
from bluegrid.updates.api.revalidation import Revalidated
from bluegrid.updates.api.tokens import Scope
from bluegrid.updates.api.uploads import BYTES
from bluegrid.updates.errors import ApiError
from bluegrid.updates.jobs.update import Update, UpdateRequest, UpdateState
from bluegrid.updates.publishing.trainer_output import TrainerOutput
from bluegrid.updates.publishing.training import check_training
from bluegrid_registry import (
    BluegridError,
    ConfigError,
    RegistryError,
    RegistryFile,
    read_manifest,
    selected,
)
from bluegrid_registry.names import Label, Uid

_CONTENT_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")

UpdateId = Annotated[int, Path(ge=1, le=2**62)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="The same key of the same caller always means the same update.",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
    ),
]
ContentDigest = Annotated[
    str,
    Header(
        alias="Content-Digest",
        description="The digest of the body, as in RFC 9530: sha-256=:BASE64:",
        pattern=_CONTENT_DIGEST.pattern,
    ),
]


def routes(deps: Dependencies) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=Revalidated)
    may_read, may_update = deps.allowed(Scope.READ), deps.allowed(Scope.UPDATE)

    def add(set_id: str, body: UpdateRequest, author: str, key: str | None, response: Response) -> Update:
        file = deps.file_of(set_id)
        try:
            deps.source.valid().require(set_id)
            deps.rollouts.check(file)
        except (ConfigError, RegistryError) as error:
            raise ApiError(HTTPStatus.CONFLICT, str(error)) from None
        if not deps.queue.is_known(author, key):
            _require_sensible(deps, file, body)
        deps.uploads.require(body.uploads)
        update = deps.queue.add(set_id, body, author, key)
        deps.update_runner.worker.wake()
        response.headers["Location"] = f"/updates/{update.id}"
        return update

    @router.post("/modelSets/{set_id}/updates", status_code=HTTPStatus.ACCEPTED)
    def update(
        set_id: Label,
        body: UpdateRequest,
        response: Response,
        author: Annotated[str, may_update],
        key: IdempotencyKey = None,
    ) -> Update:
        """Request a version: a whole one, or one that replaces some models of a base."""
        return add(set_id, body, author, key, response)

    @router.put(
        "/modelSets/{set_id}/versions/{base}/models/{uid:path}",
        status_code=HTTPStatus.ACCEPTED,
        openapi_extra=BYTES,
    )
    async def update_model(
        set_id: Label,
        base: Label,
        uid: Uid,
        request: Request,
        response: Response,
        author: Annotated[str, may_update],
        content_digest: ContentDigest,
        version: Label | None = None,
        incompatible: bool = False,
        key: IdempotencyKey = None,
    ) -> Update:
        """Request a version that replaces one model of `base`; the body has the bytes of the model."""
        digest = _digest(content_digest)
        await deps.uploads.receive(digest, request.stream())
        body = UpdateRequest(version=version, base=base, models={uid: digest}, incompatible=incompatible)
        return await to_thread.run_sync(add, set_id, body, author, key, response)

    @router.get("/updates", dependencies=[may_read])
    def updates(
        set_id: Annotated[Label | None, Query(alias="set")] = None,
        state: UpdateState | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        before: Annotated[
            int | None, Query(ge=1, le=2**62, description="The oldest update that is known.")
        ] = None,
    ) -> Sequence[Update]:
        """Updates, newest first, each with the first ten of the models that it names."""
        return deps.queue.list(set_id, state, limit, before)

    @router.get("/updates/{update_id}", dependencies=[may_read])
    def one_update(update_id: UpdateId) -> Update:
        """One update, and its progress."""
        return deps.queue.get(update_id)

    @router.get("/updates/{update_id}/output", dependencies=[may_read])
    def output(update_id: UpdateId, lines: Annotated[int, Query(ge=1, le=10_000)] = 100) -> TrainerOutput:
        """The last lines of the trainer's output, and since when the trainer runs."""
        deps.queue.get(update_id)
        return deps.update_runner.training.output(update_id, lines)

    @router.post("/updates/{update_id}/cancel", status_code=HTTPStatus.ACCEPTED)
    def cancel(update_id: UpdateId, author: Annotated[str, may_read]) -> Update:
        """Cancel an update; a version that is being rolled out is rolled back.

        Needs scope `update`; for a rollout, `switch` is enough.
        """
        can_switch = Scope.SWITCH in deps.tokens.scopes_of(author)
        if not (can_switch and deps.queue.get(update_id).rollout is not None):
            deps.tokens.require(author, Scope.UPDATE)
        cancelled = deps.queue.cancel(update_id, author)
        deps.update_runner.worker.wake()
        return cancelled

    @router.post("/updates/{update_id}/retry", status_code=HTTPStatus.ACCEPTED)
    def retry(update_id: UpdateId, author: Annotated[str, may_update], response: Response) -> Update:
        """Try an update again now: it waits, or it failed before it had a version."""
        update = deps.queue.retry(update_id, author)
        deps.update_runner.worker.wake()
        response.headers["Location"] = f"/updates/{update.id}"
        return update

    return router


def _require_sensible(deps: Dependencies, file: RegistryFile, body: UpdateRequest) -> None:
    """Refuse a request that would fail later."""
    known = [each.id for each in file.versions]
    # An existing version may be requested again: with the same models, it is rolled out.
    # An open update may make the base.
    is_quiet = not deps.queue.has_open(file.set.id)
    if body.base is not None and body.base not in known and is_quiet:
        raise ApiError(
            HTTPStatus.NOT_FOUND,
            f"set {file.set.id} has no version {body.base}; declared: {', '.join(known) or 'none'}",
        )
    if body.without and body.base in known:
        _require_named(deps, file, body.base, body.without)
    if body.train is not None:
        try:
            check_training(file.set, body.train)
        except ConfigError as error:
            raise ApiError(HTTPStatus.CONFLICT, str(error)) from None


def _require_named(deps: Dependencies, file: RegistryFile, base: str, without: Sequence[str]) -> None:
    """Refuse a UID or a pattern to leave out that matches no model of the base."""
    try:
        manifest = read_manifest(deps.store, file.set.id, base, file.version(base).manifest)
    except BluegridError:
        # The update itself will wait for the store.
        return
    try:
        selected(manifest, without)
    except ConfigError as error:
        raise ApiError(HTTPStatus.NOT_FOUND, str(error)) from None


def _digest(header: str) -> str:
    """Return the digest that a Content-Digest header names: of its algorithms, SHA-256."""
    found = _CONTENT_DIGEST.search(header)
    assert found is not None  # noqa: S101 - the header's pattern is the same
    return f"sha256:{base64.b64decode(found[1]).hex()}"
