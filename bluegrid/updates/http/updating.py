"""Routes that make versions: uploads and updates."""

import base64
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Path, Query, Request, Response

from bluegrid.updates.errors import Refused
from bluegrid.updates.http.revalidation import Revalidated
from bluegrid.updates.http.server import Server
from bluegrid.updates.outputs import TrainerOutput
from bluegrid.updates.tokens import Scope
from bluegrid.updates.training import check_training
from bluegrid.updates.updates import State, Update, Wanted
from bluegrid_registry import (
    BluegridError,
    ConfigError,
    RegistryError,
    RegistryFile,
    read_manifest,
    selected,
)
from bluegrid_registry.names import Digest, Label, Uid

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
        description="Of the body, as RFC 9530 has it: sha-256=:BASE64:",
        pattern=_CONTENT_DIGEST.pattern,
    ),
]

_BYTES = {"requestBody": {"required": True, "content": {"application/octet-stream": {}}}}


def updating(server: Server) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=Revalidated)
    may_read, may_update = server.allowed(Scope.READ), server.allowed(Scope.UPDATE)

    def add(set_id: str, wanted: Wanted, author: str, key: str | None, response: Response) -> Update:
        file = server.file_of(set_id)
        try:
            server.source.sound().require(set_id)
            server.rollouts.check(file)
        except (ConfigError, RegistryError) as error:
            raise Refused(HTTPStatus.CONFLICT, str(error)) from None
        if not server.journal.is_known(author, key):
            _require_sensible(server, file, wanted)
        server.uploads.require(wanted.uploads)
        update = server.journal.add(set_id, wanted, author, key)
        server.runner.worker.wake()
        response.headers["Location"] = f"/updates/{update.id}"
        return update

    @router.put(
        "/uploads/{digest}",
        status_code=HTTPStatus.CREATED,
        dependencies=[may_update],
        responses={200: {"description": "It was here."}},
        openapi_extra=_BYTES,
    )
    async def upload(digest: Digest, request: Request, response: Response) -> Mapping[str, str]:
        """Send a model, or a batch: a tar archive of models. The path names the body's SHA-256."""
        if not await server.uploads.receive(digest, request.stream()):
            response.status_code = HTTPStatus.OK
        return {"upload": digest}

    @router.post("/modelSets/{set_id}/updates", status_code=HTTPStatus.ACCEPTED)
    def update(
        set_id: Label,
        wanted: Wanted,
        response: Response,
        author: Annotated[str, may_update],
        key: IdempotencyKey = None,
    ) -> Update:
        """Ask for a version: a whole one, or one like another but for some models."""
        return add(set_id, wanted, author, key, response)

    @router.put(
        "/modelSets/{set_id}/versions/{base}/models/{uid}",
        status_code=HTTPStatus.ACCEPTED,
        openapi_extra=_BYTES,
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
        """Ask for a version like `base` but for one model, whose bytes are the body."""
        digest = _digest(content_digest)
        await server.uploads.receive(digest, request.stream())
        wanted = Wanted(version=version, base=base, models={uid: digest}, incompatible=incompatible)
        return await to_thread.run_sync(add, set_id, wanted, author, key, response)

    @router.get("/updates", dependencies=[may_read])
    def updates(
        set_id: Annotated[Label | None, Query(alias="set")] = None,
        state: State | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        before: Annotated[
            int | None, Query(ge=1, le=2**62, description="The oldest update that is known.")
        ] = None,
    ) -> Sequence[Update]:
        """Updates, newest first; of the models that each names, the first ten."""
        return server.journal.list(set_id, state, limit, before)

    @router.get("/updates/{update_id}", dependencies=[may_read])
    def one_update(update_id: UpdateId) -> Update:
        """One update, and how far it is."""
        return server.journal.get(update_id)

    @router.get("/updates/{update_id}/output", dependencies=[may_read])
    def output(update_id: UpdateId, lines: Annotated[int, Query(ge=1, le=10_000)] = 100) -> TrainerOutput:
        """What the update's trainer has printed last, so far or in all, and since when it runs."""
        server.journal.get(update_id)
        return server.runner.training.output(update_id, lines)

    @router.post("/updates/{update_id}/cancel", status_code=HTTPStatus.ACCEPTED)
    def cancel(update_id: UpdateId, author: Annotated[str, may_read]) -> Update:
        """Cancel an update; one whose version is there already goes back, if it is being rolled out.

        Needs scope `update`; of one that is being rolled out, `switch` does too.
        """
        can_switch = Scope.SWITCH in server.tokens.scopes_of(author)
        if not (can_switch and server.journal.get(update_id).rollout is not None):
            server.tokens.require(author, Scope.UPDATE)
        cancelled = server.journal.cancel(update_id, author)
        server.runner.worker.wake()
        return cancelled

    @router.post("/updates/{update_id}/retry", status_code=HTTPStatus.ACCEPTED)
    def retry(update_id: UpdateId, author: Annotated[str, may_update], response: Response) -> Update:
        """Try an update again now: one that waits, or one that failed before it had a version."""
        update = server.journal.retry(update_id, author)
        server.runner.worker.wake()
        response.headers["Location"] = f"/updates/{update.id}"
        return update

    return router


def _require_sensible(server: Server, file: RegistryFile, wanted: Wanted) -> None:
    """Refuse at once what can be seen now to fail later."""
    known = [each.id for each in file.versions]
    # A version that is there may be asked for again: with the same models it is rolled out.
    # An update that has not ended may make the base.
    is_quiet = not server.journal.list_open(file.set.id)
    if wanted.base is not None and wanted.base not in known and is_quiet:
        raise Refused(
            HTTPStatus.NOT_FOUND,
            f"set {file.set.id} has no version {wanted.base}; declared: {', '.join(known) or 'none'}",
        )
    if wanted.without and wanted.base in known:
        _require_named(server, file, wanted.base, wanted.without)
    if wanted.train is not None:
        try:
            check_training(file.set, wanted.train)
        except ConfigError as error:
            raise Refused(HTTPStatus.CONFLICT, str(error)) from None


def _require_named(server: Server, file: RegistryFile, base: str, without: Sequence[str]) -> None:
    """Refuse a UID or a pattern to leave out that fits no model of the base."""
    try:
        manifest = read_manifest(server.store, file.set.id, base, file.version(base).manifest)
    except BluegridError:
        # An update waits for a store that does not answer.
        return
    try:
        selected(manifest, without)
    except ConfigError as error:
        raise Refused(HTTPStatus.NOT_FOUND, str(error)) from None


def _digest(header: str) -> str:
    """Return the digest that a Content-Digest header names: of its algorithms, SHA-256."""
    found = _CONTENT_DIGEST.search(header)
    assert found is not None  # noqa: S101 - the header's pattern is the same
    return f"sha256:{base64.b64decode(found[1]).hex()}"
