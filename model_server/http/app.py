"""The routes of a pod, all under `/modelService/<service>`: the Ingress does not rewrite paths."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from model_server import inference
from model_server.errors import BusyError, InputError, NotFoundError, NotReadyError, RequestError
from model_server.http.messages import (
    JSON_LENGTH,
    answer,
    binary_answer,
    body_of,
    failed,
    parsed,
    refused,
    split,
    unrouted,
)
from model_server.tensors import BinaryData

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from model_server.loaders import TensorSpec
    from model_server.settings import Settings
    from model_server.startup import ServedModel
    from model_server.state import State

_T = TypeVar("_T")

MAX_WAITING = 1000
"""Requests that wait for the models; what comes on top is told to come again, while it still may."""

_SLICE = 16
"""Requests of a batch that are answered in one go; between two slices other requests get their turn."""


def make_app(settings: Settings, state: State) -> Starlette:
    """Make the application; it answers probes at once and models as soon as `state` has them."""
    api = Api(settings, state)
    base = f"/modelService/{settings.service}/v2"
    routes = []
    for model in ("/models/{uid}", "/models/{uid}/versions/{version}"):
        routes += [
            Route(f"{base}{model}/infer", api.infer, methods=["POST"]),
            Route(f"{base}{model}/ready", api.model_ready, methods=["GET"]),
            Route(f"{base}{model}", api.model, methods=["GET"]),
        ]
    routes += [
        Route(f"/modelService/{settings.service}/predict", api.predict, methods=["POST"]),
        Route(f"{base}/models:batchInfer", api.batch_infer, methods=["POST"]),
        Route(f"{base}/health/live", api.live, methods=["GET"]),
        Route(f"{base}/health/ready", api.ready, methods=["GET"]),
        Route(f"{base}/models", api.models, methods=["GET"]),
        Route(f"{base}/repository/index", api.index, methods=["POST"]),
        Route(base, api.server, methods=["GET"]),
    ]
    # Any: Starlette's types do not see that a handler gets only what it is registered for.
    handlers: dict[Any, Any] = {RequestError: refused, HTTPException: unrouted, Exception: failed}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


class Api:
    """The endpoints."""

    def __init__(self, settings: Settings, state: State) -> None:
        self._settings = settings
        self._state = state
        # Models predict in a thread, so that probes are answered at once however many requests wait. In one
        # thread: more would only take turns with the event loop for the interpreter's lock.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="inference")
        self._waiting = 0

    async def infer(self, request: Request) -> Response:
        """Answer one inference request."""
        served = await self._served(request)
        text, binary = split(await body_of(request), request.headers.get(JSON_LENGTH))
        inferred = await self._in_worker(lambda: inference.infer(served, parsed(text), BinaryData(binary)))
        document = {
            "model_name": served.uid,
            "model_version": self._settings.version,
            "parameters": {"digest": served.digest},
            **inferred.document,
        }
        return binary_answer(document, inferred.binary) if inferred.binary else answer(document)

    async def predict(self, request: Request) -> Response:
        """Answer the form for people: `{"model": uid, "instances": [[...]]}`."""
        models = self._models()
        document = parsed(await body_of(request))
        uid = document.get("model")
        if not isinstance(uid, str):
            raise InputError('model: expected a UID, such as {"model": "line-17", "instances": [[1.0, 2.0]]}')
        served = await self._in_worker(lambda: inference.find(models, uid))
        predicted = await self._in_worker(lambda: inference.predict_instances(served, document))
        return answer({"model": uid, "version": self._settings.version, **predicted})

    async def batch_infer(self, request: Request) -> Response:
        """Answer inference requests for many models."""
        models = self._models()
        body = await body_of(request)

        requests = await self._in_worker(lambda: inference.requests_of(parsed(body)))
        responses: list[dict[str, Any]] = []
        for start in range(0, len(requests), _SLICE):
            chosen = requests[start : start + _SLICE]
            responses += await self._in_worker(partial(inference.batch_infer, models, chosen))
        return await self._in_worker(lambda: answer({"responses": responses}))

    async def live(self, _: Request) -> Response:
        """Whether the process answers."""
        return answer({"live": True})

    async def ready(self, _: Request) -> Response:
        """Whether every model of the version is loaded and proven."""
        if self._state.models is None:
            return answer(
                {"ready": False, "reason": self._state.reason}, NotReadyError.status, NotReadyError.headers
            )
        return answer({"ready": True})

    async def server(self, _: Request) -> Response:
        """What this server is."""
        return answer(
            {
                "name": f"{self._settings.service}-{self._settings.cluster}",
                "version": self._settings.version,
                "extensions": ["model_repository", "binary_tensor_data"],
            }
        )

    async def models(self, _: Request) -> Response:
        """All UIDs."""
        return answer({"models": list(self._models())})

    async def model(self, request: Request) -> Response:
        """What one model takes and gives."""
        served = await self._served(request)
        return answer(
            {
                "name": served.uid,
                "versions": [self._settings.version],
                "platform": str(self._settings.type).replace("/", "_"),
                "inputs": [_tensor(spec) for spec in served.model.inputs],
                "outputs": [_tensor(spec) for spec in served.model.outputs],
            }
        )

    async def model_ready(self, request: Request) -> Response:
        """Whether one model is ready: all are, or none."""
        served = await self._served(request)
        return answer({"name": served.uid, "ready": True})

    async def index(self, _: Request) -> Response:
        """The repository's index; all models are ready, so the request's `ready` filter changes nothing."""
        version = self._settings.version
        return answer(
            [{"name": uid, "version": version, "state": "READY", "reason": ""} for uid in self._models()]
        )

    def _models(self) -> Mapping[str, ServedModel]:
        models = self._state.models
        if models is None:
            raise NotReadyError(f"not ready: {self._state.reason}")
        return models

    async def _served(self, request: Request) -> ServedModel:
        models, uid = self._models(), request.path_params["uid"]
        version = request.path_params.get("version", self._settings.version)
        if version != self._settings.version:
            raise NotFoundError(f"no version {version!r} here; this cluster serves {self._settings.version}")
        if uid in models:
            return models[uid]
        return await self._in_worker(lambda: inference.find(models, uid))

    async def _in_worker(self, work: Callable[[], _T]) -> _T:
        if self._waiting >= MAX_WAITING:
            raise BusyError(f"{MAX_WAITING} requests wait already; come again, or add replicas")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, work)
        finally:
            self._waiting -= 1


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "datatype": spec.datatype, "shape": spec.shape}
