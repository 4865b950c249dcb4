"""The routes of a pod, all under `/modelService/<service>`, because the Ingress does not rewrite paths."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.routing import Route

from bluegrid_server.errors import InputError, NotFoundError, NotReadyError, RequestError
from bluegrid_server.http.instrumentation import COUNT
from bluegrid_server.http.model_route import Operation, model_routes
from bluegrid_server.http.responses import answer, body_of, failed, refused, response, unrouted
from bluegrid_server.protocol.body import JSON_LENGTH, parsed
from bluegrid_server.protocol.model_state import ModelState
from bluegrid_server.protocol.requests import Kind, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response as HttpResponse

    from bluegrid_registry.model_types.signature import ModelSignature
    from bluegrid_server.protocol.json_types import (
        LiveDocument,
        ModelReadyDocument,
        ModelsDocument,
        ModelStateDocument,
        ReadyDocument,
        ServerDocument,
    )
    from bluegrid_server.protocol.requests import Response
    from bluegrid_server.settings import Settings

_PAGE = Path(__file__).with_name("page.html")


class Models(Protocol):
    """Answers requests: the dispatcher."""

    @property
    def reason(self) -> str | None:
        """Why requests are not answered yet; None: they are answered."""

    @property
    def loading(self) -> Sequence[str]:
        """UIDs of the models that are being loaded, as far as known."""

    @property
    def signature(self) -> ModelSignature | None:
        """What the models of the version have in common; None: not known."""

    async def ask(self, request: Request) -> Reply:
        """Have a request answered; raise RequestError if it is not."""

    async def ask_all(self, request: Request) -> list[Response]:
        """Have a request answered by every worker."""

    async def load(self, uid: str) -> Response:
        """Load a model."""

    async def unload(self, uid: str) -> Response:
        """Unload a model until it is loaded again."""


def make_app(settings: Settings, models: Models, api: Api | None = None) -> Starlette:
    """Make the application; it answers probes at once, and requests as soon as `models` does.

    Args:
        settings: of the pod.
        models: answers requests.
        api: the endpoints; None: those of a pod that has all models.
    """
    return _app(routes(settings, models, api))


def routes(settings: Settings, models: Models, api: Api | None = None) -> list[Route]:
    """Return the routes of the application; for the arguments see `make_app`."""
    api = api or Api(settings, models)
    service = f"/modelService/{settings.service}"
    base = f"{service}/v2"
    operations = {
        "/infer": Operation("POST", api.infer),
        "/ready": Operation("GET", api.model_ready),
        "": Operation("GET", api.model),
    }
    return [
        Route(f"{service}/openapi.json", api.description, methods=["GET"]),
        Route(f"{service}/", _page, methods=["GET"]),
        *model_routes(f"{base}/models", operations),
        Route(f"{service}/predict", api.predict, methods=["POST"]),
        Route(f"{base}/models:batchInfer", api.batch_infer, methods=["POST"]),
        Route(f"{base}/health/live", api.live, methods=["GET"]),
        Route(f"{base}/health/ready", api.ready, methods=["GET"]),
        Route(f"{base}/models", api.models, methods=["GET"]),
        Route(f"{base}/repository/index", api.index, methods=["POST"]),
        Route(base, api.server, methods=["GET"]),
    ]


def make_admin_app(settings: Settings, models: Models, admin: Admin | None = None) -> Starlette:
    """Make the application of the admin port, which only loads and unloads models.

    Args:
        settings: of the pod.
        models: answers requests.
        admin: the endpoints; None: those of a pod that has all models.
    """
    admin = admin or Admin(models)
    base = "/v2/repository"
    operations = {"/load": Operation("POST", admin.load), "/unload": Operation("POST", admin.unload)}
    return _app(
        [
            Route(f"{base}/index", Api(settings, models).index, methods=["POST"]),
            *model_routes(f"{base}/models", operations, has_versions=False),
        ]
    )


def _certainty(state: tuple[ModelState, str]) -> int:
    """Rank a state that a worker reports: loaded comes first, then not loadable, then not loaded yet."""
    name, reason = state
    return 0 if (name, reason) == (ModelState.READY, "") else 1 if name == ModelState.UNAVAILABLE else 2


def _page(_: HttpRequest) -> HttpResponse:
    # The page contains all that it needs, and sends requests only to its own origin.
    policy = (
        "default-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    )
    return HTMLResponse(_PAGE.read_bytes(), headers={"Content-Security-Policy": policy})


def _app(routes: list[Route]) -> Starlette:
    # Any: by Starlette's types, a handler could get other exceptions than it is registered for.
    handlers: dict[Any, Any] = {RequestError: refused, HTTPException: unrouted, Exception: failed}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


class Api:
    """The endpoints."""

    def __init__(self, settings: Settings, models: Models) -> None:
        self._settings = settings
        self._models = models

    async def description(self, _: HttpRequest) -> HttpResponse:
        """Return the OpenAPI document."""
        # Imported on demand: the schemas take megabytes, and few pods are asked for them.
        from bluegrid_server.protocol.openapi import openapi
        from bluegrid_server.protocol.openapi_signature import with_signature

        document = openapi(self._settings.service)
        if (signature := self._models.signature) is not None:
            document = with_signature(document, signature)
        return answer(document)

    async def infer(self, request: HttpRequest) -> HttpResponse:
        """Answer one inference request."""
        uid = self._uid(request)
        infer_request = Request(Kind.INFER, uid, await body_of(request), request.headers.get(JSON_LENGTH))
        return await response(await self._models.ask(infer_request))

    async def predict(self, request: HttpRequest) -> HttpResponse:
        """Answer a request in the simple form: `{"model": uid, "instances": [[...]]}`."""
        return await response(await self._models.ask(Request(Kind.PREDICT, body=await body_of(request))))

    async def batch_infer(self, request: HttpRequest) -> HttpResponse:
        """Answer inference requests for many models."""
        reply = await self._models.ask(Request(Kind.BATCH, body=await body_of(request)))
        return await response(reply, request.scope.get(COUNT))

    async def live(self, _: HttpRequest) -> HttpResponse:
        """Return that the process is live."""
        live: LiveDocument = {"live": True}
        return answer(live)

    async def ready(self, _: HttpRequest) -> HttpResponse:
        """Return whether every model of the version is loaded and proven or, if lazy, can be loaded."""
        ready: ReadyDocument = {"ready": True}
        if (reason := self._models.reason) is not None:
            ready = {"ready": False, "reason": reason}
            return answer(ready, NotReadyError.status, NotReadyError.headers)
        return answer(ready)

    async def server(self, _: HttpRequest) -> HttpResponse:
        """Return the metadata of this server."""
        server: ServerDocument = {
            "name": f"{self._settings.service}-{self._settings.cluster}",
            "version": self._settings.version,
            "extensions": ["model_repository", "binary_tensor_data"],
        }
        return answer(server)

    async def models(self, _: HttpRequest) -> HttpResponse:
        """Return all UIDs."""
        models: ModelsDocument = {"models": await self._uids()}
        return answer(models)

    async def _uids(self) -> list[str]:
        reply = await self._models.ask(Request(Kind.STATES))
        return list(orjson.loads(reply.first.body))

    async def model(self, request: HttpRequest) -> HttpResponse:
        """Return the inputs and outputs of a model."""
        return await response(await self._models.ask(Request(Kind.DESCRIBE, self._uid(request))))

    async def model_ready(self, request: HttpRequest) -> HttpResponse:
        """Return whether a model is in memory, or will be loaded on the first request."""
        uid = self._uid(request)
        reply = await self._models.ask(Request(Kind.STATE, uid))
        if reply.first.status >= 400:
            return await response(reply)
        state, _ = orjson.loads(reply.first.body)
        document: ModelReadyDocument = {"name": uid, "ready": state == ModelState.READY}
        return answer(document, 200 if document["ready"] else NotReadyError.status)

    async def index(self, request: HttpRequest) -> HttpResponse:
        """Return the repository's index; `{"ready": true}` leaves out models that are not ready."""
        return answer(await self._index(await body_of(request)))

    async def _index(self, body: bytes) -> list[ModelStateDocument]:
        only_ready = bool(parsed(body).get("ready", False)) if body else False
        reason = self._models.reason or ""
        states = dict.fromkeys(self._models.loading, (ModelState.LOADING, reason)) or await self._states()
        return [
            {"name": uid, "version": self._settings.version, "state": state, "reason": reason}
            for uid, (state, reason) in states.items()
            if state == ModelState.READY or not only_ready
        ]

    async def _states(self) -> Mapping[str, tuple[ModelState, str]]:
        states: dict[str, tuple[ModelState, str]] = {}
        for worker_response in await self._models.ask_all(Request(Kind.STATES)):
            for uid, state in orjson.loads(worker_response.body).items():
                states[uid] = min(states.get(uid, state), state, key=_certainty)
        return states

    def _uid(self, request: HttpRequest) -> str:
        version = request.path_params.get("version", self._settings.version)
        if version != self._settings.version:
            raise NotFoundError(f"no version {version!r} here; this cluster serves {self._settings.version}")
        uid = request.path_params["uid"]
        assert isinstance(uid, str)  # noqa: S101 - for mypy
        return uid


class Admin:
    """The endpoints that load and unload models."""

    def __init__(self, models: Models) -> None:
        self._models = models

    async def load(self, request: HttpRequest) -> HttpResponse:
        """Load a model of the version; files and configuration from outside are refused."""
        body = await body_of(request)
        if body and parsed(body).get("parameters"):
            raise InputError("parameters: models and their configuration come from the version only")
        return await _done(await self._models.load(request.path_params["uid"]))

    async def unload(self, request: HttpRequest) -> HttpResponse:
        """Unload a model until it is loaded again."""
        return await _done(await self._models.unload(request.path_params["uid"]))


async def _done(worker_response: Response) -> HttpResponse:
    return answer({}) if worker_response.status < 400 else await response(Reply(worker_response))
