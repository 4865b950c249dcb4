"""Clients, trained models and requests that the tests of the server share."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from starlette.types import ASGIApp

    from model_server.settings import Settings

BASE = "/modelService/line-loading/v2"
ROWS = [[0.5, -1.0, 2.0], [1.0, 0.0, -0.25]]


class Client:
    """Calls an application without a network."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def request(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Send one request; a fault of the application is answered as a server answers it."""

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


@dataclass(frozen=True)
class Trained:
    """Three models of three features, with what each predicts for ROWS."""

    folder: Path
    predictions: dict[str, list[float]]


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment variables that say the same as `settings`."""
    return {
        f"BLUEGRID_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in settings.model_dump(mode="json").items()
    }


def tensor(**changed: object) -> dict[str, Any]:
    """A sound request, or one with a changed input."""
    return {"inputs": [{"name": "x", "shape": [2, 3], "datatype": "FP64", "data": ROWS, **changed}]}
