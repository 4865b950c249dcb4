"""Clients, trained models and requests that the tests of the server share."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from bluegrid_registry import ModelType, models_in_folder, open_store, push
from bluegrid_server.engine.steps import RequestSteps
from bluegrid_server.errors import NotReadyError
from bluegrid_server.models.file_pool import FilePool
from bluegrid_server.models.version import fetch_version
from bluegrid_server.protocol.requests import Kind, Reply, Request, Response
from bluegrid_server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path
    from typing import Any

    from starlette.types import ASGIApp

    from bluegrid_registry.model_types.signature import ModelSignature


BASE = "/modelService/line-loading/v2"
SKOPS = ModelType.parse("scikit-learn/skops")
ROWS = [[0.5, -1.0, 2.0], [1.0, 0.0, -0.25]]


class Client:
    """Calls an application without a network."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def request(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Send one request; a fault of the application becomes an answer, as in a server."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://pod") as client:
                return await client.request(method, path, **content)

        return asyncio.run(send())

    def get(self, path: str) -> httpx.Response:
        """Send a GET."""
        return self.request("GET", path)

    def post(self, path: str, **content: Any) -> httpx.Response:
        """Send a POST."""
        return self.request("POST", path, **content)


class InProcess:
    """Models that answer in the process of the test."""

    def __init__(self, settings: Settings) -> None:
        self.reason: str | None = "starting"
        self.loading: tuple[str, ...] = ()
        self.signature: ModelSignature | None = None
        self._settings = settings
        self._steps: RequestSteps

    def start(self) -> None:
        """Load the version and take requests."""
        version = fetch_version(self._settings, lambda _: None)
        self.signature = version.signature
        pool = FilePool(version, self._settings)
        if self._settings.load == "eager":
            pool.load_all(lambda _: None)
        self._steps = RequestSteps(self._settings, pool)
        self.reason = None

    async def ask(self, request: Request) -> Reply:
        """Answer a request."""
        if self.reason is not None:
            raise NotReadyError(f"not ready: {self.reason}")
        first, *others = self._steps.responses(request)

        async def rest() -> AsyncIterator[Response]:
            for response in others:
                yield response

        return Reply(first, None if first.is_last else rest())

    async def ask_all(self, request: Request) -> list[Response]:
        """Return the responses of all processes: here one."""
        return [(await self.ask(request)).first]

    async def load(self, uid: str) -> Response:
        """Load a model."""
        return (await self.ask(Request(Kind.LOAD, uid))).first

    async def unload(self, uid: str) -> Response:
        """Unload a model."""
        return (await self.ask(Request(Kind.UNLOAD, uid))).first


@dataclass(frozen=True)
class Trained:
    """Three models of three features, with their predictions for ROWS."""

    folder: Path
    predictions: dict[str, list[float]]


def published(work: Path, folder: Path, kind: ModelType = SKOPS, trust: Sequence[str] = ()) -> Settings:
    """Push a folder of models as version v1 to a store in `work`; return the settings of its pod."""
    store = work / "store"
    store.mkdir()
    url = store.as_uri()
    report = push(open_store(url), "g1", "v1", models_in_folder(folder, kind), model_type=kind)
    return Settings(
        store=url,
        set="g1",
        version="v1",
        manifest=report.manifest,
        type=kind,
        service="line-loading",
        cluster="d1",
        trust=tuple(trust),
        models=work / "models",
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """Return `settings` as environment variables."""
    return {
        f"BLUEGRID_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in settings.model_dump(mode="json", exclude_none=True).items()
    }


def tensor(**changed: object) -> dict[str, Any]:
    """Return a valid request, with changes to its input."""
    return {"inputs": [{"name": "x", "shape": [2, 3], "datatype": "FP64", "data": ROWS, **changed}]}
