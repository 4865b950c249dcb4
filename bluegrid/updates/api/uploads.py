"""`/uploads`: the models of updates, by digest."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from bluegrid.updates.api.dependencies import Dependencies
from bluegrid.updates.api.revalidation import Revalidated
from bluegrid.updates.api.tokens import Scope
from bluegrid_registry.names import Digest

BYTES = {"requestBody": {"required": True, "content": {"application/octet-stream": {}}}}
"""The body of a request that is an upload, for the OpenAPI document."""


def routes(deps: Dependencies) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=Revalidated)

    @router.put(
        "/uploads/{digest}",
        status_code=HTTPStatus.CREATED,
        dependencies=[deps.allowed(Scope.UPDATE)],
        responses={200: {"description": "The server has the upload already."}},
        openapi_extra=BYTES,
    )
    async def upload(digest: Digest, request: Request, response: Response) -> Mapping[str, str]:
        """Send a model, or a batch: a tar archive of models. The path names the body's SHA-256."""
        if not await deps.uploads.receive(digest, request.stream()):
            response.status_code = HTTPStatus.OK
        return {"upload": digest}

    return router
